"""The OAuth callback of all connect sessions."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_GET

from sequin_admin.access.rights import RightLost
from sequin_admin.connect import authorization_requests, flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core.actors import actor_of
from sequin_admin.core.languages import ENGLISH
from sequin_admin.gateway import connect
from sequin_admin.gateway.pages import person, public_page, render_page
from sequin_admin.health import probes


@require_GET
@public_page
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Finish the session and redirect: to the dashboard, the link or the other product."""
    try:
        connect_session = flow.finish(
            request.GET.dict(),
            user=person(request),
            session_key=request.session.session_key or "",
            provider=provider,
            origin=actor_of(request),
        )
    except flow.BadCallback as error:
        return lead_on(request, error)
    except RightLost as error:
        return render_bad_callback(request, error, status=403)
    if connect_session.authorization_request:
        return redirect(
            authorization_requests.complete_request(
                connect_session.authorization_request, connect_session
            )
        )
    if connect_session.link:
        return connect.finish_link_session(request, connect_session.link, connect_session)
    return finish_user_session(request, connect_session)


def lead_on(request: HttpRequest, error: flow.BadCallback) -> HttpResponse:
    """To where the answer led that came before, if it is this browser's; else the reason."""
    finished = error.finished
    is_known = finished and (finished.credential_id or finished.failure)
    if finished is None or not is_known or finished.authorization_request_id:
        return render_bad_callback(request, error, status=400)
    if finished.link:
        return connect.return_to_link(request, finished.link, finished)
    if finished.credential_id:
        return redirect("dashboard:credential", pk=finished.credential_id)
    return redirect("dashboard:connect_failed", pk=finished.pk)


def render_bad_callback(request: HttpRequest, error: Exception, *, status: int) -> HttpResponse:
    context, template = {"reason": str(error)}, "connect/bad_callback.html"
    if person(request) is None:
        return render_page(request, template, context, organization=None, status=status)
    # Behind the login pages are in English.
    with translation.override(ENGLISH):
        return render(request, template, context, status=status)


def finish_user_session(request: HttpRequest, connect_session: ConnectSession) -> HttpResponse:
    """Probe the new credential and redirect to it, or to the failure's page."""
    if connect_session.credential is None:
        return redirect("dashboard:connect_failed", pk=connect_session.pk)
    probes.verify(connect_session.credential)
    messages.success(request, f"{connect_session.credential} is connected.")
    return redirect("dashboard:credential", pk=connect_session.credential.pk)
