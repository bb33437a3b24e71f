"""What a customer sees who was sent a connect link. No login; the link is the right to be here."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.models import Logo
from sequin_admin.connect import credential_operations, flow, links
from sequin_admin.connect.models import ConnectLink, ConnectSession
from sequin_admin.credentials.forms import PropertiesForm
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.gateway.pages import closed, public_page, send_off, show_form
from sequin_admin.health import probes

OPENED = "connect_links"
MOST_OPENED = 20


@require_GET
@public_page
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """The address that was sent: the token becomes a right of this browser, and leaves the bar."""
    try:
        link = links.find(token)
    except links.LinkClosed as reason:
        return closed(request, reason)
    opened = [pk for pk in request.session.get(OPENED, []) if pk != str(link.pk)]
    request.session[OPENED] = [*opened, str(link.pk)][-MOST_OPENED:]
    return redirect("gateway:link", pk=link.pk)


def opened_link(request: HttpRequest, pk: UUID) -> ConnectLink:
    """The link, for a browser that came by its address. Raises `Http404`, for others."""
    if str(pk) not in request.session.get(OPENED, []):
        raise Http404("This browser has not opened the link.")
    return get_object_or_404(ConnectLink.objects.with_who_asks(), pk=pk)


@require_GET
@public_page
def choose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The ways to get in; the only one at once."""
    link = opened_link(request, pk)
    if link.completed_at:
        return redirect("gateway:thanks", pk=pk)
    try:
        links.refuse_closed(link)
    except links.LinkClosed as reason:
        return closed(request, reason)
    links.record_opened(link)
    if len(link.offered) == 1:
        return show(request, link, link.offered[0], form_of(link, link.offered[0], None))
    context = {"link": link, "organization": link.organization}
    return render(request, "link/choose.html", context)


@require_http_methods(["GET", "POST"])
@public_page
def connect(request: HttpRequest, pk: UUID, kind: str) -> HttpResponse:
    """One way in: who asks for what, and the form or the button that leads to the provider."""
    link = opened_link(request, pk)
    declared = next((offered for offered in link.offered if offered.slug == kind), None)
    if declared is None:
        raise Http404(kind)
    form = form_of(link, declared, request.POST if request.method == "POST" else None)
    try:
        links.refuse_closed(link)
        if request.method == "POST" and form.is_valid():
            return go(request, link, declared, form)
    except links.LinkClosed as reason:
        return closed(request, reason)
    except (Refused, credential_operations.OtherAccount) as error:
        form.add_error(None, to_the_customer(flow.sentence(error)))
        form.ask_secrets_again(form.cleaned_data)
    return show(request, link, declared, form)


def form_of(link: ConnectLink, kind: Any, data: Any) -> PropertiesForm:
    """What the customer must tell us; nothing that the credential to reconnect knows already."""
    known = link.reconnects.properties if link.reconnects else {}
    if not kind.oauth:
        return PropertiesForm(kind.properties_class, data, stored=known)
    questions = kind.properties_class.only(kind.oauth.required_properties)
    names = [
        n for n in kind.oauth.required_properties if not kind.client_is_ours() or n not in known
    ]
    stored = {
        name: value for name, value in known.items() if name in kind.oauth.required_properties
    }
    return PropertiesForm(questions, data, names=names, stored=stored)


def go(request: HttpRequest, link: ConnectLink, kind: Any, form: PropertiesForm) -> HttpResponse:
    """Off to the provider, or straight to the end where a key was entered."""
    if not kind.oauth:
        credential = links.enter(link, form.properties)
        probes.verify(credential)
        return redirect(after(link))
    links.count_try(link)
    more = {"link": link, "name": link.name, "reconnects": link.reconnects}
    return send_off(request, kind, form, requester=link, **more)


def show(request: HttpRequest, link: ConnectLink, kind: Any, form: PropertiesForm) -> HttpResponse:
    action = reverse("gateway:connect", args=[link.pk, kind.slug])
    return show_form(request, kind, form, requester=link, action=action)


def after_trip(
    request: HttpRequest, link: ConnectLink, connect_session: ConnectSession
) -> HttpResponse:
    """Where the customer goes from the provider: on, or back to try again with the reason."""
    if connect_session.credential:
        probes.verify(connect_session.credential)
        return redirect(after(link))
    messages.error(request, reason_for(link, connect_session))
    return redirect("gateway:link", pk=link.pk)


def after(link: ConnectLink) -> str:
    return link.redirect_url or reverse("gateway:thanks", args=[link.pk])


def reason_for(link: ConnectLink, connect_session: ConnectSession) -> str:
    """Why it did not work, for somebody who can't see or mend our OAuth app."""
    if connect_session.error == "server_error":
        return (
            f"{link.provider_title} does not accept the way {link.organization} is registered "
            f"there, so nothing was connected. It is not your fault: {link.organization} must "
            "mend it and sees the reason. Try again when they tell you."
        )
    return to_the_customer(connect_session.failure)


def to_the_customer(sentence: str) -> str:
    """Our sentences speak of the customer; here they speak to them."""
    return sentence.replace("The customer must", "You must").replace("the customer", "you")


@require_GET
@public_page
def thanks(request: HttpRequest, pk: UUID) -> HttpResponse:
    link = opened_link(request, pk)
    if not link.completed_at:
        return redirect("gateway:link", pk=pk)
    return render(request, "link/thanks.html", {"link": link, "organization": link.organization})


@require_GET
@cache_control(public=True, max_age=86_400)
def logo(request: HttpRequest, organization: UUID) -> HttpResponse:
    """The picture of who asks. Its address changes with it."""
    picture = get_object_or_404(Logo, pk=organization)
    return HttpResponse(bytes(picture.png), content_type="image/png")
