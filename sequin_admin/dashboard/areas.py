"""The pages that people look for. The areas of the dashboard among them are the sidebar, the first
breadcrumb and the keys after `g`; a search finds all of them by their names."""

from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse

from sequin_admin.access.policy import Action


@dataclass(frozen=True)
class ListedPage:
    """`name` is its URL's, `action` is what one must be allowed to do, and `words` are other names
    by which people look for it. `query` is put behind its URL."""

    name: str
    title: str
    action: Action = Action.VIEW
    words: str = ""
    query: str = ""

    @cached_property
    def url(self) -> str:
        return reverse(self.name) + self.query


@dataclass(frozen=True, kw_only=True)
class Area(ListedPage):
    """A page of the sidebar. `key` follows `g`."""

    icon: str
    key: str


@dataclass(frozen=True)
class Section:
    """Areas below one title of the sidebar."""

    title: str
    areas: tuple[Area, ...]


GROUPS = (
    Section(
        "",
        (
            Area(
                "dashboard:overview",
                "Overview",
                icon="squares-2x2",
                key="o",
                words="home health dashboard",
            ),
            Area(
                "dashboard:incidents",
                "Incidents",
                icon="bell-alert",
                key="i",
                words="broken outages problems causes",
            ),
        ),
    ),
    Section(
        "Accounts",
        (
            Area(
                "dashboard:credentials", "Credentials", icon="key", key="c", words="accounts tokens"
            ),
            Area(
                "dashboard:oauth_apps",
                "OAuth apps",
                icon="puzzle-piece",
                key="a",
                words="clients registrations",
            ),
            Area(
                "dashboard:connect_links",
                "Connect links",
                icon="link",
                key="l",
                words="reconnect customers",
            ),
        ),
    ),
    Section(
        "Data",
        (
            Area("dashboard:syncs", "Syncs", icon="arrow-path", key="s"),
            Area(
                "dashboard:targets",
                "Targets",
                icon="circle-stack",
                key="t",
                words="databases postgres",
            ),
            Area(
                "dashboard:consumers",
                "Consumers",
                icon="inbox-arrow-down",
                key="u",
                words="destinations",
            ),
            Area("dashboard:streams", "Streams", icon="queue-list", key="r", words="namespaces"),
        ),
    ),
    Section(
        "Watch",
        (
            Area(
                "dashboard:fleet_usage",
                "Usage",
                icon="chart-bar",
                key="y",
                words="limits rate requests throttled",
            ),
            Area(
                "dashboard:expiry",
                "Expiry",
                icon="calendar-days",
                key="e",
                words="ends expires calendar ics deprecations changes",
            ),
            Area("dashboard:worker", "Worker", icon="cog-6-tooth", key="w", words="jobs processes"),
            Area(
                "dashboard:audit",
                "Audit",
                icon="clipboard-document-list",
                key="d",
                words="log events history",
            ),
        ),
    ),
    Section(
        "Settings",
        (
            Area(
                "dashboard:notifications",
                "Notifications",
                icon="bell",
                key="n",
                words="channels webhooks slack mail alerts",
            ),
            Area("dashboard:api_keys", "API keys", icon="command-line", key="k", words="tokens"),
            Area(
                "dashboard:members",
                "Members",
                icon="users",
                key="m",
                words="people users team roles",
            ),
            Area(
                "dashboard:branding",
                "Branding",
                Action.CONFIGURE,
                icon="paint-brush",
                key="b",
                words="what customers see colours support privacy language theme",
            ),
            Area(
                "dashboard:organization",
                "Organization",
                Action.MANAGE,
                icon="building-office",
                key="z",
                words="name logo settings",
            ),
        ),
    ),
    Section(
        "Help",
        (
            Area(
                "dashboard:kinds",
                "Kinds",
                icon="book-open",
                key="h",
                words="credential providers reference docs",
            ),
            Area(
                "api:openapi-view",
                "API",
                icon="code-bracket",
                key="p",
                words="reference openapi endpoints docs",
            ),
            Area(
                "dashboard:operate",
                "Operate",
                icon="lifebuoy",
                key="f",
                words="handbook docs install upgrade backup",
            ),
            Area(
                "dashboard:engines",
                "Engines",
                icon="puzzle-piece",
                key="x",
                words="recipes docs dlt airbyte singer airflow kubernetes requests curl node",
            ),
        ),
    ),
)
AREAS = tuple(area for group in GROUPS for area in group.areas)
PAGES = (
    *AREAS,
    ListedPage("dashboard:runs", "Runs", words="syncs engines history log failed"),
    ListedPage("dashboard:runbooks", "Runbooks", words="handbook docs trouble incident night"),
    ListedPage(
        "dashboard:security", "Security of Sequin Admin", words="threat model docs keys encryption"
    ),
    ListedPage(
        "dashboard:mail_settings",
        "Mails with a link",
        Action.CONFIGURE,
        "templates texts customers reminder limit",
    ),
    ListedPage("dashboard:exports", "Your CSV files", words="downloads exports lists"),
    ListedPage("dashboard:to_customers", "Mails to customers", words="deliveries notices sent"),
    ListedPage(
        "dashboard:leftovers", "Left behind", Action.MANAGE, "keys links channels people who left"
    ),
    ListedPage(
        "dashboard:sign_in_rules", "Sign-in", Action.MANAGE, "rules factor provider networks"
    ),
    ListedPage("mfa_index", "Security", words="second factor passkeys authenticator recovery"),
    ListedPage("usersessions_list", "Sessions", words="devices browsers signed in sign out"),
    ListedPage("account_email", "Email address", words="my login mail"),
    ListedPage("account_data", "Your data", words="download erase privacy me"),
)


def named_page(name: str) -> ListedPage:
    """Raises `KeyError` for one that is not listed."""
    return {page.name: page for page in PAGES}[name]
