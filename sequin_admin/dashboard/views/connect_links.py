"""Connect links: list, create, revoke, export as CSV."""

import csv
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.connect.models import Batch, ConnectLink, ConnectLinkQuerySet, LinkState
from sequin_admin.core import clock
from sequin_admin.core.forms import NameField, set_choices, set_queryset
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import MetadataField
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.access import Request, fresh_login_required, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.listing import (
    Pages,
    get_query_param,
    parse_uuids,
    render_page_or_partial,
)

ROWS = 50
CSV_ROWS = 500
LIFETIMES = [("1", "1 day"), ("3", "3 days"), ("7", "7 days")]


class LinkDetailsForm(forms.Form):
    """What may change of a link while it is open."""

    name = NameField(
        required=False,
        max_length=200,
        label="Name of the credential",
        help_text="The customer sees it, too. Leave empty to use the account's name.",
    )
    metadata = MetadataField(required=False, help_text="JSON of your own, kept on the credential.")

    @classmethod
    def of(cls, link: ConnectLink, data: Any) -> "LinkDetailsForm":
        return cls(data, initial={"name": link.name, "metadata": link.metadata})


class ConnectLinkForm(LinkDetailsForm):
    """Kinds, OAuth app and options of a link; all of one provider."""

    field_order = ("kinds", "oauth_app", "name", "metadata", "days", "redirect_url")

    kinds = forms.MultipleChoiceField(
        label="Ways to connect",
        widget=forms.CheckboxSelectMultiple,
        help_text="The customer chooses among those you tick.",
    )
    oauth_app = forms.ModelChoiceField(
        OAuthApp.objects.none(), label="OAuth app", empty_label=None, required=False
    )
    days = forms.ChoiceField(label="It lasts", choices=LIFETIMES, initial="7")
    redirect_url = forms.ChoiceField(
        required=False,
        label="Afterwards the customer goes to",
        help_text="Redirect URIs of the OAuth app. Without one, a page says thank you.",
    )

    def __init__(self, offered: list[type[Credential]], apps: Any, data: Any = None) -> None:
        super().__init__(data, initial={"kinds": [offered[0].slug]})
        self.offered = {kind.slug: kind for kind in offered}
        set_choices(self, "kinds", [(kind.slug, kind.full_title()) for kind in offered])
        uris = sorted({uri for app in apps for uri in app.redirect_uris})
        if apps:
            set_queryset(self, "oauth_app", apps)
        else:
            del self.fields["oauth_app"]
        if uris:
            choices = [("", "A page of ours that says thank you"), *((uri, uri) for uri in uris)]
            set_choices(self, "redirect_url", choices)
        else:
            del self.fields["redirect_url"]

    def link_arguments(self) -> dict[str, Any]:
        """The arguments of `links.create()`."""
        given = self.cleaned_data
        return {
            "offered": [self.offered[slug] for slug in given["kinds"]],
            "lasts": timedelta(days=int(given["days"])),
            "oauth_app": given.get("oauth_app"),
            "name": given["name"],
            "metadata": given["metadata"],
            "redirect_url": given.get("redirect_url", ""),
        }


def owned_links(request: Request) -> ConnectLinkQuerySet:
    return ConnectLink.objects.of(request.organization)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    """Newest first, filtered by batch and state."""
    now, batch, state = (
        clock.now(),
        get_query_param(request, "batch"),
        get_query_param(request, "state"),
    )
    rows = filter_by_batch(owned_links(request), batch)
    counts = rows.by_state(now)
    if state in LinkState.values:
        rows = rows.in_state(state, now)
    listed = rows.select_related("reconnects", "credential", "created_by").defer("secrets")
    page = Pages(listed.order_by("-created_at", "-id"), ROWS)
    context = {
        "page": page.get_page(request.GET.get("page")),
        "states": [(each, counts[each]) for each in LinkState if counts[each] or each == state],
        "state": state,
        "batch": batch,
        "made_in_bulk": Batch.objects.of(request.organization)
        .filter(pk__in=parse_uuids([batch]))
        .first(),
        "total": sum(counts.values()),
        "done": counts[LinkState.COMPLETED],
        "waiting": any(counts[each] for each in OPEN_STATES),
    }
    return render_page_or_partial(request, "connect_links/index.html", "table", context)


OPEN_STATES = (LinkState.CREATED, LinkState.OPENED, LinkState.FAILED)


def filter_by_batch(rows: ConnectLinkQuerySet, batch: str) -> ConnectLinkQuerySet:
    return rows.filter(batch__in=parse_uuids([batch])) if batch else rows


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def new(request: Request, provider: str) -> HttpResponse:
    """Make one link of a provider. Raises `Http404` for an unknown one."""
    offered = kinds.of_provider(provider)
    if not offered:
        raise Http404(provider)
    apps = OAuthApp.objects.of(request.organization).filter(provider=provider).order_by("name")
    form = ConnectLinkForm(offered, apps.defer("secrets"), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            link = links.create(request.organization, actor=request.user, **form.link_arguments())
        except links.BadLink as error:
            form.add_error(None, str(error))
        else:
            return redirect("dashboard:connect_link", pk=link.pk)
    context = {
        "form": form,
        "provider": provider,
        "title": kinds.providers()[provider],
        "kind": offered[0],
        "missing_app": all(kind.client_is_ours() for kind in offered) and not apps.exists(),
    }
    return render(request, "connect_links/new.html", context, status=422 if form.errors else 200)


@require_POST
@may(Action.EDIT)
def for_credential(request: Request, pk: str) -> HttpResponse:
    """Create a link with which the customer reconnects this credential."""
    rows = Credential.objects.of(request.organization).select_related("oauth_app")
    credential = get_object_or_404(rows, pk=pk)
    try:
        link = links.create_reconnect(request.organization, credential, actor=request.user)
    except links.BadLink as error:
        messages.error(request, str(error))
        return redirect("dashboard:credential", pk=pk)
    return redirect("dashboard:connect_link", pk=link.pk)


@never_cache
@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    rows = owned_links(request).select_related(
        "oauth_app", "reconnects", "credential", "created_by"
    )
    link = get_object_or_404(rows, pk=pk)
    context = {
        "link": link,
        "address": links.address(link),
        "events": Event.objects.of(request.organization.pk).about(link)[:15],
    }
    return render_page_or_partial(request, "connect_links/detail.html", "progress", context)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def edit_link(request: Request, pk: str) -> HttpResponse:
    """Name and metadata. What it offers and its end stay: that takes another link."""
    link = get_object_or_404(owned_links(request), pk=pk)
    edit = Edit(link, LinkDetailsForm.of, request.POST or None)
    form: LinkDetailsForm = edit.form
    try:
        links.refuse_closed(link)
        saved = (
            request.method == "POST"
            and form.is_valid()
            and edit.save(
                lambda row: links.update_link(row, actor=request.user, **form.cleaned_data)
            )
        )
    except links.LinkClosed:
        messages.warning(request, f"{link} is over, so nothing about it can change.")
        return redirect("dashboard:connect_link", pk=pk)
    if saved:
        messages.success(request, f"{owned_links(request).get(pk=pk)} is saved.")
        return redirect("dashboard:connect_link", pk=pk)
    context = {"link": link, "form": form, "edit": edit}
    return render(request, "connect_links/edit.html", context, status=edit.status)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def revoke(request: Request, pk: str) -> HttpResponse:
    link = get_object_or_404(owned_links(request), pk=pk)
    if request.method == "POST":
        if links.revoke(link, actor=request.user):
            messages.success(request, f"{link} is withdrawn: it opens nothing any more.")
        else:
            messages.warning(request, f"{link} was over already, so there was nothing to withdraw.")
        return redirect("dashboard:connect_link", pk=pk)
    return render_question(
        request,
        title=f"Withdraw {link}?",
        text="Whoever has it can't use it any more.",
        button="Withdraw the link",
        back=reverse("dashboard:connect_link", args=[pk]),
    )


@never_cache
@require_GET
@may(Action.EDIT)
@fresh_login_required
def as_csv(request: Request) -> HttpResponse:
    """The links of a batch, or all open ones, as CSV for a mail merge. Audited."""
    batch = get_query_param(request, "batch")
    rows = (
        filter_by_batch(owned_links(request), batch)
        if batch
        else owned_links(request).open(clock.now())
    )
    listed = rows.select_related("reconnects", "credential").order_by("created_at", "id")
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="connect-links.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    for link in listed.iterator(chunk_size=CSV_ROWS):
        writer.writerow([escape_formula(str(cell)) for cell in build_csv_row(link)])
    wanted = next(iter(parse_uuids([batch])), None)
    links.record_exported(request.organization, actor=request.user, batch=wanted)
    return response


COLUMNS = ("link", "name", "provider", "account", "credential_id", "state", "expires_at", "failure")


def build_csv_row(link: ConnectLink) -> tuple[Any, ...]:
    credential = link.reconnects or link.credential
    return (
        links.address(link),
        link.name,
        link.provider_title,
        credential.describe() if credential else "",
        credential.pk if credential else "",
        link.state.value,
        link.expires_at.isoformat(timespec="seconds"),
        link.failure,
    )


def escape_formula(cell: str) -> str:
    """Prefix a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell[:1] in FORMULA_PREFIXES else cell


FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
