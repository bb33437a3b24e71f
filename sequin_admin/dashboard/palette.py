"""Pages and actions that a search finds by their names. `action` is what one must be allowed to
do to open the page."""

from dataclasses import dataclass

from django.urls import reverse

from sequin_admin.access.policy import Action, allows
from sequin_admin.core.search_language import parse_search
from sequin_admin.core.search_text import fold
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.areas import AREAS


@dataclass(frozen=True)
class Entry:
    """`words` are other names by which people look for it."""

    title: str
    url_name: str
    words: str = ""
    action: Action = Action.VIEW
    query: str = ""

    @property
    def url(self) -> str:
        return reverse(self.url_name) + self.query


PAGES = (
    *(Entry(area.title, area.name, area.words, area.action) for area in AREAS),
    Entry("Runs", "dashboard:runs", "syncs engines history log failed"),
    Entry("Runbooks", "dashboard:runbooks", "handbook docs trouble incident night"),
    Entry("Security of Sequin Admin", "dashboard:security", "threat model docs keys encryption"),
    Entry(
        "Mails with a link",
        "dashboard:mail_settings",
        "templates texts customers reminder limit",
        Action.CONFIGURE,
    ),
    Entry("Your CSV files", "dashboard:exports", "downloads exports lists"),
    Entry("Security", "mfa_index", "second factor passkeys authenticator recovery"),
)
ACTIONS = (
    Entry("Connect an account", "dashboard:providers", "add credential new", Action.EDIT),
    Entry(
        "Create reconnect links for many",
        "dashboard:connect_links_bulk",
        "bulk customers",
        Action.EDIT,
        "?all=1",
    ),
    Entry("Set a rate limit for many", "dashboard:limits_bulk", "bulk", Action.EDIT, "?all=1"),
    Entry(
        "Rotate a client secret",
        "dashboard:oauth_apps",
        "replace oauth app renew",
        Action.CONFIGURE,
    ),
    Entry("Rotate an API key", "dashboard:api_keys", "replace renew token", Action.CONFIGURE),
    Entry(
        "Rotate a webhook's signing secret",
        "dashboard:notifications",
        "replace renew channel",
        Action.CONFIGURE,
    ),
    Entry("Add an OAuth app", "dashboard:oauth_app_picker", "new client", Action.CONFIGURE),
    Entry("Add a sync", "dashboard:sync_new", "new", Action.EDIT),
    Entry("Add a stream", "dashboard:stream_new", "new", Action.EDIT),
    Entry("Add a consumer", "dashboard:consumer_new", "new", Action.EDIT),
    Entry("Add a target", "dashboard:target_new", "new database postgres", Action.CONFIGURE),
    Entry("Create an API key", "dashboard:api_key_add", "new add token", Action.CONFIGURE),
    Entry("Invite a member", "dashboard:member_add", "add people user team", Action.MANAGE),
    Entry("Change the password", "account_change_password", "my login"),
)


def list_pages() -> tuple[Entry, ...]:
    """The pages, and the credentials of each provider."""
    of_provider = (
        Entry(f"Credentials of {title}", "dashboard:credentials", slug, query=f"?provider={slug}")
        for slug, title in kinds.providers_by_title()
    )
    return (*PAGES, *of_provider)


def find_entries(entries: tuple[Entry, ...], text: str, role: str) -> list[Entry]:
    """Those that have every word, and that the role may open."""
    terms = parse_search(text)
    if not terms or any(term.key for term in terms):
        return []
    words = [fold(term.value) for term in terms]
    offered = (entry for entry in entries if allows(role, entry.action))
    return [
        entry
        for entry in offered
        if all(word in fold(f"{entry.title} {entry.words}") for word in words)
    ]
