"""The page of an OAuth app: its tabs."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from sequin_admin.access.former_secrets import list_former
from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import title_of
from sequin_admin.credentials.kinds import AppInstallKind
from sequin_admin.credentials.models import FormerAppSecrets, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.health.models import Check
from sequin_admin.tokens import demand, protocol


def get_owned_or_404(request: Request, pk: str) -> OAuthApp:
    rows = OAuthApp.objects.of(request.organization).select_related("gateway_secret")
    return get_object_or_404(rows.defer("secrets"), pk=pk)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    app = get_owned_or_404(request, pk)
    kind = kinds.with_app(app.provider)
    is_installed = kind is not None and issubclass(kind, AppInstallKind)
    declared = app.properties_class
    context = {
        "app": app,
        "install_url": protocol.install_url(app) if is_installed else "",
        "properties": [(title_of(declared, n), value) for n, value in app.properties.items()],
        "secrets": [title_of(declared, name) for name in declared.secret_names()],
        "scopes": app.requested_scopes,
        "gateway_secret": getattr(app, "gateway_secret", None),
        "now": clock.now(),
        "demand": demand.of_app(app),
        "checks": Check.objects.about(app),
        "former": list_former(FormerAppSecrets, app),
    }
    return render_tab(request, "oauth_apps/detail.html", app, "oauth_app", context)


@require_GET
@may(Action.VIEW)
def guide(request: Request, pk: str) -> HttpResponse:
    """What to do at the provider."""
    app = get_owned_or_404(request, pk)
    redirect_uri = protocol.redirect_uri(app.provider)
    context = {"kind": kinds.with_app(app.provider), "redirect_uri": redirect_uri}
    return render_tab(request, "oauth_apps/guide.html", app, "oauth_app_guide", context)


@require_GET
@may(Action.CONFIGURE)
def danger(request: Request, pk: str) -> HttpResponse:
    app = get_owned_or_404(request, pk)
    return render_tab(request, "oauth_apps/danger.html", app, "oauth_app_danger", {"app": app})
