"""Pages for a customer with a connect link. There is no login: the link authorizes the session."""

from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.branding import style_sheet
from sequin_admin.access.models import Branding, Logo
from sequin_admin.connect import credential_operations, failures, links
from sequin_admin.connect.models import ConnectLink, ConnectSession
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials.forms import PropertiesForm
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.gateway.languages import speak_as
from sequin_admin.gateway.pages import (
    P,
    View,
    public_page,
    redirect_to_provider,
    render_closed,
    render_page,
    show_form,
)
from sequin_admin.health import probes

OPENED_LINKS = "connect_links"
MAX_OPENED_LINKS = 20


@require_GET
@public_page
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """The link's URL: authorize this session for the link, then redirect to a URL without token."""
    try:
        link = links.find(token)
    except links.LinkClosed as reason:
        if reason.link:
            speak_as(request, reason.link.language)
        return render_closed(request, reason)
    opened = [pk for pk in request.session.get(OPENED_LINKS, []) if pk != str(link.pk)]
    request.session[OPENED_LINKS] = [*opened, str(link.pk)][-MAX_OPENED_LINKS:]
    return redirect("gateway:link", pk=link.pk)


class NotOpened(Exception):
    """This browser's session has not opened the link, or there is none."""


def link_page(view: View[P]) -> View[P]:
    """A public page of an opened link; to any other browser it says where it went wrong."""

    @public_page
    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotOpened:
            return render_page(request, "link/not_opened.html", {}, organization=None, status=404)

    return inner


def opened_link(request: HttpRequest, pk: UUID) -> ConnectLink:
    """The link, if this session opened it. Raises `NotOpened` otherwise."""
    opened = str(pk) in request.session.get(OPENED_LINKS, [])
    rows = ConnectLink.objects.with_page_relations()
    link = rows.filter(pk=pk).first() if opened else None
    if link is None:
        raise NotOpened
    speak_as(request, link.language)
    return link


@require_GET
@link_page
def choose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose a kind; when the link has only one, show its form at once."""
    link = opened_link(request, pk)
    if link.completed_at:
        return redirect("gateway:thanks", pk=pk)
    try:
        links.refuse_closed(link)
    except links.LinkClosed as reason:
        return render_closed(request, reason)
    links.record_opened(link, origin=actor_of(request))
    if len(link.offered) == 1:
        return render_form(request, link, link.offered[0], form_of(link, link.offered[0], None))
    return render_page(request, "link/choose.html", {"link": link}, organization=link.organization)


@require_http_methods(["GET", "POST"])
@link_page
def connect(request: HttpRequest, pk: UUID, kind: str) -> HttpResponse:
    """The form or button to connect one of the link's kinds."""
    link = opened_link(request, pk)
    declared = next((offered for offered in link.offered if offered.slug == kind), None)
    if declared is None:
        raise Http404(kind)
    form = form_of(link, declared, request.POST if request.method == "POST" else None)
    try:
        links.refuse_closed(link)
        if request.method == "POST" and form.is_valid():
            return submit_form(request, link, declared, form)
    except links.LinkClosed as reason:
        return render_closed(request, reason)
    except (Refused, credential_operations.OtherAccount) as error:
        form.add_error(None, failures.customer_message(error, link))
        form.ask_secrets_again(form.cleaned_data)
    return render_form(request, link, declared, form)


def form_of(link: ConnectLink, kind: type[Credential], data: QueryDict | None) -> PropertiesForm:
    """The form for properties that the credential to reconnect does not have yet."""
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


def submit_form(
    request: HttpRequest, link: ConnectLink, kind: type[Credential], form: PropertiesForm
) -> HttpResponse:
    """Redirect to the provider, or save an entered key and redirect to the end."""
    if not issubclass(kind, OAuthKind):
        credential = links.submit_properties(link, form.properties, origin=actor_of(request))
        probes.verify_entered(credential)
        where = next_url(link)
        for remark in form.properties.remarks() if where != link.redirect_url else ():
            messages.warning(request, remark)
        return redirect(where)
    links.count_try(link)
    options = {"link": link, "name": link.name, "reconnects": link.reconnects}
    return redirect_to_provider(request, kind, form, requester=link, **options)


def render_form(
    request: HttpRequest, link: ConnectLink, kind: type[Credential], form: PropertiesForm
) -> HttpResponse:
    action = reverse("gateway:connect", args=[link.pk, kind.slug])
    return show_form(request, kind, form, requester=link, action=action)


def finish_link_session(
    request: HttpRequest, link: ConnectLink, connect_session: ConnectSession
) -> HttpResponse:
    """Redirect after the callback: to the end, or back to the link with the reason."""
    speak_as(request, link.language)
    if connect_session.credential:
        probes.verify(connect_session.credential)
        return redirect(next_url(link))
    return return_to_link(request, link, connect_session)


def return_to_link(
    request: HttpRequest, link: ConnectLink, connect_session: ConnectSession
) -> HttpResponse:
    """Redirect to the link's page, which says why nothing was connected, or that it was."""
    if connect_session.customer_failure:
        messages.error(request, connect_session.customer_failure)
    return redirect("gateway:link", pk=link.pk)


def next_url(link: ConnectLink) -> str:
    """The address that the link's maker chose, while it is registered on the OAuth app."""
    # A link whose kinds have no app of ours does not say on which app its address is registered.
    apps = [link.oauth_app] if link.oauth_app else OAuthApp.objects.of(link.organization)
    if any(link.redirect_url in app.redirect_uris for app in apps):
        return link.redirect_url
    return reverse("gateway:thanks", args=[link.pk])


@require_GET
@link_page
def thanks(request: HttpRequest, pk: UUID) -> HttpResponse:
    link = opened_link(request, pk)
    if not link.completed_at:
        return redirect("gateway:link", pk=pk)
    return render_page(request, "link/thanks.html", {"link": link}, organization=link.organization)


@require_GET
@cache_control(public=True, max_age=86_400)
def logo(request: HttpRequest, organization: UUID) -> HttpResponse:
    """The organization's logo. Its URL changes with it, so it can be cached."""
    picture = get_object_or_404(Logo, pk=organization)
    return HttpResponse(bytes(picture.png), content_type="image/png")


@require_GET
@cache_control(public=True, max_age=86_400)
def style(request: HttpRequest, organization: UUID) -> HttpResponse:
    """The organization's colours, at an address because the policy forbids inline styles."""
    branding = get_object_or_404(Branding, pk=organization)
    return HttpResponse(style_sheet(branding), content_type="text/css; charset=utf-8")
