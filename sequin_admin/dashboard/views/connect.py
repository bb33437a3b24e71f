"""The pages before a connect session, and after a failed one."""

from collections.abc import Iterable

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.connect import flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import ConnectForm
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.tokens import protocol


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def connect(request: Request, kind: str) -> HttpResponse:
    """The page before the provider's consent page; its button sends the browser there."""
    declared = kinds.find(kind)
    if declared is None or not issubclass(declared, OAuthKind):
        raise Http404(kind)
    apps = OAuthApp.objects.of(request.organization).filter(provider=declared.provider)
    form = ConnectForm(declared, apps.order_by("name"), request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(
            flow.start(
                request.organization,
                declared,
                user=request.user,
                session_key=request.session.session_key or "",
                oauth_app=form.cleaned_data.get("oauth_app"),
                inputs=form.properties.plain_values(),
                name=form.cleaned_data["display_name"],
                details=form.details(),
            )
        )
    context = {
        "kind": declared,
        "form": form,
        "asked_scopes": list_requested_scopes(declared, apps),
        "missing_app": declared.client_is_ours() and not apps.exists(),
        "redirect_uri": protocol.redirect_uri(declared.provider),
    }
    return render(request, "credentials/connect.html", context, status=422 if form.errors else 200)


def list_requested_scopes(
    declared: type[OAuthKind], apps: Iterable[OAuthApp]
) -> list[tuple[str, tuple[str, ...]]]:
    """Pairs of app name and requested scopes; each app may have its rows scopes."""
    if not declared.client_is_ours():
        return [("", declared.oauth.scopes)]
    return [(app.name, app.requested_scopes) for app in apps]


@require_GET
@may(Action.EDIT)
def failed(request: Request, pk: str) -> HttpResponse:
    """Why the person's own connection failed; nobody else's is shown."""
    rows = ConnectSession.objects.of(request.organization).filter(user=request.user)
    rows = rows.select_related("reconnects", "oauth_app").exclude(failure="")
    connect_session = get_object_or_404(rows, pk=pk)
    context = {"connect_session": connect_session, "kind": kinds.find(connect_session.kind)}
    return render(request, "connect/failed.html", context)
