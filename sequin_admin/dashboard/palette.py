"""Pages that a search finds by their names, and actions: the pages on which one does them."""

from sequin_admin.access.policy import Action, allows
from sequin_admin.core.search_language import parse_search
from sequin_admin.core.search_text import fold
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.areas import PAGES, ListedPage

ACTIONS = (
    ListedPage("dashboard:providers", "Connect an account", Action.EDIT, "add credential new"),
    ListedPage(
        "dashboard:connect_links_bulk",
        "Create reconnect links for many",
        Action.EDIT,
        "bulk customers",
        "?all=1",
    ),
    ListedPage("dashboard:limits_bulk", "Set a rate limit for many", Action.EDIT, "bulk", "?all=1"),
    ListedPage(
        "dashboard:oauth_apps",
        "Rotate a client secret",
        Action.CONFIGURE,
        "replace oauth app renew",
    ),
    ListedPage("dashboard:api_keys", "Rotate an API key", Action.CONFIGURE, "replace renew token"),
    ListedPage(
        "dashboard:notifications",
        "Rotate a webhook's signing secret",
        Action.CONFIGURE,
        "replace renew channel",
    ),
    ListedPage("dashboard:oauth_app_picker", "Add an OAuth app", Action.CONFIGURE, "new client"),
    ListedPage("dashboard:sync_new", "Add a sync", Action.EDIT, "new"),
    ListedPage("dashboard:stream_new", "Add a stream", Action.EDIT, "new"),
    ListedPage("dashboard:consumer_new", "Add a consumer", Action.EDIT, "new"),
    ListedPage("dashboard:target_new", "Add a target", Action.CONFIGURE, "new database postgres"),
    ListedPage("dashboard:api_key_add", "Create an API key", Action.CONFIGURE, "new add token"),
    ListedPage("dashboard:member_add", "Invite a member", Action.MANAGE, "add people user team"),
    ListedPage("account_change_password", "Change the password", words="my login"),
)


def list_pages() -> tuple[ListedPage, ...]:
    """The pages, and the credentials of each provider."""
    of_provider = (
        ListedPage(
            "dashboard:credentials",
            f"Credentials of {title}",
            words=slug,
            query=f"?provider={slug}",
        )
        for slug, title in kinds.providers_by_title()
    )
    return (*PAGES, *of_provider)


def find_pages(pages: tuple[ListedPage, ...], text: str, role: str) -> list[ListedPage]:
    """Those that have every word, and that the role may open."""
    terms = parse_search(text)
    if not terms or any(term.key for term in terms):
        return []
    words = [fold(term.value) for term in terms]
    offered = (page for page in pages if allows(role, page.action))
    return [
        page
        for page in offered
        if all(word in fold(f"{page.title} {page.words}") for word in words)
    ]
