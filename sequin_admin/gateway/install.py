"""The install URL: a provider sends the browser here when somebody installs our app there."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from sequin_admin.access.models import Membership
from sequin_admin.access.policy import Action, still_may
from sequin_admin.connect import flow
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import AppInstallKind, OAuthContext
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.gateway.pages import person, public_page, render_page


@require_GET
@public_page
def install(request: HttpRequest, provider: str, pk: UUID) -> HttpResponse:
    """Verify the install request; redirect to the consent page if the user may connect accounts."""
    app = get_object_or_404(OAuthApp.objects.select_related("organization"), pk=pk)
    kind = kinds.with_app(provider)
    if app.provider != provider or kind is None or not issubclass(kind, AppInstallKind):
        raise Http404(provider)
    try:
        inputs = kind.check_install(
            request.GET.dict(), OAuthContext(app.client_id, app.url_params())
        )
    except Refused as refusal:
        context = {"kind": kind, "reason": refusal.outcome.sentence}
        return render_page(
            request,
            "connect/install_refused.html",
            context,
            organization=app.organization,
            status=400,
        )
    membership: Membership | None = request.membership  # type: ignore[attr-defined]
    if not may_connect(membership, app):
        context = {"kind": kind}
        return render_page(request, "connect/install.html", context, organization=app.organization)
    return redirect(
        flow.start(
            app.organization,
            kind,
            user=person(request),
            session_key=request.session.session_key or "",
            oauth_app=app,
            inputs=inputs,
        )
    )


def may_connect(membership: Membership | None, app: OAuthApp) -> bool:
    """Whether the current membership is in the app's organization and may connect accounts."""
    if membership is None or membership.organization_id != app.organization_id:
        return False
    return still_may(membership.user, app.organization, Action.EDIT)
