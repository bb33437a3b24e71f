"""The areas of the dashboard: the sidebar, the first breadcrumb and the keys after `g`."""

from dataclasses import dataclass

from sequin_admin.access.policy import Action


@dataclass(frozen=True)
class Area:
    """`name` is its URL's, `key` follows `g`, `action` is what one must be allowed to do."""

    name: str
    title: str
    icon: str
    key: str
    action: Action = Action.VIEW


@dataclass(frozen=True)
class Section:
    """Areas below one title of the sidebar."""

    title: str
    areas: tuple[Area, ...]


GROUPS = (
    Section(
        "",
        (
            Area("dashboard:overview", "Overview", "squares-2x2", "o"),
            Area("dashboard:incidents", "Incidents", "bell-alert", "i"),
        ),
    ),
    Section(
        "Accounts",
        (
            Area("dashboard:credentials", "Credentials", "key", "c"),
            Area("dashboard:oauth_apps", "OAuth apps", "puzzle-piece", "a"),
            Area("dashboard:connect_links", "Connect links", "link", "l"),
        ),
    ),
    Section(
        "Data",
        (
            Area("dashboard:syncs", "Syncs", "arrow-path", "s"),
            Area("dashboard:targets", "Targets", "circle-stack", "t"),
            Area("dashboard:consumers", "Consumers", "inbox-arrow-down", "u"),
            Area("dashboard:streams", "Streams", "queue-list", "r"),
        ),
    ),
    Section(
        "Watch",
        (
            Area("dashboard:fleet_usage", "Usage", "chart-bar", "y"),
            Area("dashboard:expiry", "Expiry", "calendar-days", "e"),
            Area("dashboard:worker", "Worker", "cog-6-tooth", "w"),
            Area("dashboard:audit", "Audit", "clipboard-document-list", "d"),
        ),
    ),
    Section(
        "Settings",
        (
            Area("dashboard:notifications", "Notifications", "bell", "n"),
            Area("dashboard:api_keys", "API keys", "command-line", "k"),
            Area("dashboard:members", "Members", "users", "m"),
            Area("dashboard:branding", "Branding", "paint-brush", "b", Action.CONFIGURE),
            Area("dashboard:organization", "Organization", "building-office", "z", Action.MANAGE),
        ),
    ),
    Section(
        "Help",
        (
            Area("dashboard:kinds", "Kinds", "book-open", "h"),
            Area("api:openapi-view", "API", "code-bracket", "p"),
            Area("dashboard:operate", "Operate", "lifebuoy", "f"),
        ),
    ),
)
AREAS = tuple(area for group in GROUPS for area in group.areas)
