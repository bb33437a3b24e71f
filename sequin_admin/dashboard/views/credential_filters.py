"""Filters of the list of credentials."""

from dataclasses import dataclass

from django.db.models import Q

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, CredentialQuerySet, OAuthApp
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import Asked, get_query_param, parse_uuids
from sequin_admin.health import cause_words
from sequin_admin.health.models import Cause, Incident
from sequin_admin.health.status import Status


@dataclass(frozen=True)
class Filter:
    """One select above the list. `cleared` is the URL of the list without this filter."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str
    cleared: str = ""

    @property
    def chosen_label(self) -> str:
        return dict(self.options).get(self.chosen, self.chosen)


FILTER_PARAMS = ("q", "provider", "kind", "health", "oauth_app", "cause")


def filter_credentials(request: Asked, rows: CredentialQuerySet) -> CredentialQuerySet:
    """`rows` filtered by the query parameters."""
    chosen = {name: get_query_param(request, name) for name in FILTER_PARAMS}
    if chosen["q"]:
        rows = rows.matching(chosen["q"])
    if chosen["provider"]:
        rows = rows.of_provider(chosen["provider"])
    if chosen["kind"]:
        rows = rows.filter(kind=chosen["kind"])
    if chosen["oauth_app"]:
        rows = rows.filter(oauth_app__in=parse_uuids([chosen["oauth_app"]]))
    if chosen["cause"]:
        rows = filter_by_cause(rows, chosen["cause"])
    return filter_by_health(rows, chosen["health"]) if chosen["health"] else rows


def filter_by_cause(rows: CredentialQuerySet, cause: str) -> CredentialQuerySet:
    """Those that are of a cause now: themselves, or by their OAuth app."""
    causes = parse_uuids([cause])
    found = Incident.objects.open().filter(cause__in=causes).order_by()
    own = Q(pk__in=found.filter(entity=Credential.entity).values("entity_id"))
    by_app = Q(oauth_app__in=found.filter(entity=OAuthApp.entity).values("entity_id"))
    # For one or the other the database looks at every row: most causes are of one entity.
    entity = Cause.objects.filter(pk__in=causes).values_list("entity", flat=True).first()
    one = {Credential.entity: own, OAuthApp.entity: by_app}
    return rows.filter(one.get(entity or "", own | by_app))


def filter_by_health(rows: CredentialQuerySet, health: str) -> CredentialQuerySet:
    if health == "disabled":
        return rows.filter(disabled_at__isnull=False)
    return rows.active().filter(health_status="" if health == "unchecked" else health)


def build_filters(request: Request) -> list[Filter]:
    health = [*Status.choices, ("unchecked", "Not checked yet"), ("disabled", "Disabled")]
    offered = {
        "provider": ("Provider", sorted(kinds.providers().items(), key=title)),
        "kind": ("Kind", sorted(kinds.choices(), key=title)),
        "health": ("Health", health),
        "oauth_app": ("OAuth app", list_selected_app(request)),
        "cause": ("Cause", list_selected_cause(request)),
    }
    return [
        Filter(
            name, label, options, get_query_param(request, name), url_without_param(request, name)
        )
        for name, (label, options) in offered.items()
    ]


def list_selected_app(request: Request) -> list[tuple[str, str]]:
    """The app in the query, as the only option: an app is chosen on its own page."""
    ids = parse_uuids([get_query_param(request, "oauth_app")])
    apps = OAuthApp.objects.of(request.organization).filter(pk__in=ids).defer("secrets")
    return [(str(app.pk), app.name) for app in apps] if ids else []


def list_selected_cause(request: Request) -> list[tuple[str, str]]:
    ids = parse_uuids([get_query_param(request, "cause")])
    causes = Cause.objects.of(request.organization).filter(pk__in=ids)
    return [(str(cause.pk), cause_words.headline(cause)) for cause in causes] if ids else []


def url_without_param(request: Request, name: str) -> str:
    left = request.GET.copy()
    left.pop(name, None)
    left.pop("page", None)
    return f"{request.path}?{left.urlencode()}"


def title(option: tuple[str, str]) -> str:
    return option[1].lower()
