"""The areas of the dashboard: the sidebar, the first breadcrumb, the keys after `g`, and the pages
that a search finds by their names."""

from dataclasses import dataclass

from sequin_admin.access.policy import Action


@dataclass(frozen=True)
class Area:
    """`name` is its URL's, `key` follows `g`, `action` is what one must be allowed to do, and
    `words` are other names by which people look for it."""

    name: str
    title: str
    icon: str
    key: str
    action: Action = Action.VIEW
    words: str = ""


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
                "dashboard:overview", "Overview", "squares-2x2", "o", words="home health dashboard"
            ),
            Area(
                "dashboard:incidents",
                "Incidents",
                "bell-alert",
                "i",
                words="broken outages problems causes",
            ),
        ),
    ),
    Section(
        "Accounts",
        (
            Area("dashboard:credentials", "Credentials", "key", "c", words="accounts tokens"),
            Area(
                "dashboard:oauth_apps",
                "OAuth apps",
                "puzzle-piece",
                "a",
                words="clients registrations",
            ),
            Area(
                "dashboard:connect_links", "Connect links", "link", "l", words="reconnect customers"
            ),
        ),
    ),
    Section(
        "Data",
        (
            Area("dashboard:syncs", "Syncs", "arrow-path", "s"),
            Area("dashboard:targets", "Targets", "circle-stack", "t", words="databases postgres"),
            Area("dashboard:consumers", "Consumers", "inbox-arrow-down", "u", words="destinations"),
            Area("dashboard:streams", "Streams", "queue-list", "r", words="namespaces"),
        ),
    ),
    Section(
        "Watch",
        (
            Area(
                "dashboard:fleet_usage",
                "Usage",
                "chart-bar",
                "y",
                words="limits rate requests throttled",
            ),
            Area(
                "dashboard:expiry",
                "Expiry",
                "calendar-days",
                "e",
                words="ends expires calendar ics deprecations changes",
            ),
            Area("dashboard:worker", "Worker", "cog-6-tooth", "w", words="jobs processes"),
            Area(
                "dashboard:audit",
                "Audit",
                "clipboard-document-list",
                "d",
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
                "bell",
                "n",
                words="channels webhooks slack mail alerts",
            ),
            Area("dashboard:api_keys", "API keys", "command-line", "k", words="tokens"),
            Area("dashboard:members", "Members", "users", "m", words="people users team roles"),
            Area(
                "dashboard:branding",
                "Branding",
                "paint-brush",
                "b",
                Action.CONFIGURE,
                words="what customers see colours support privacy language theme",
            ),
            Area(
                "dashboard:organization",
                "Organization",
                "building-office",
                "z",
                Action.MANAGE,
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
                "book-open",
                "h",
                words="credential providers reference docs",
            ),
            Area(
                "api:openapi-view",
                "API",
                "code-bracket",
                "p",
                words="reference openapi endpoints docs",
            ),
            Area(
                "dashboard:operate",
                "Operate",
                "lifebuoy",
                "f",
                words="handbook docs install upgrade backup",
            ),
            Area(
                "dashboard:engines",
                "Engines",
                "puzzle-piece",
                "x",
                words="recipes docs dlt airbyte singer airflow kubernetes requests curl node",
            ),
        ),
    ),
)
AREAS = tuple(area for group in GROUPS for area in group.areas)
