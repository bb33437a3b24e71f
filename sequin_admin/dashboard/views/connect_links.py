"""Connect links: list, create, revoke."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.connect.models import Batch, ConnectLink, ConnectLinkQuerySet, LinkState
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.csv_export import Columns, CsvList, csv_response, wants_csv
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.listing import (
    MAX_ROWS,
    Asked,
    Pages,
    get_query_param,
    parse_uuids,
    render_page_or_partial,
)
from sequin_admin.dashboard.new_rows import keep_new_rows
from sequin_admin.dashboard.reach.connect import reach_of_withdrawing_link
from sequin_admin.dashboard.recent import remember_viewed
from sequin_admin.dashboard.search_chips import search_chips
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.dashboard.views.connect_link_forms import ConnectLinkForm, LinkDetailsForm
from sequin_admin.health.fleet import kept_if_many

ROWS = 50
COLUMNS: Columns = {
    "id": lambda row: row.pk,
    "name": lambda row: row.name,
    "provider": lambda row: row.provider,
    "credential_id": lambda row: row.reconnects_id or row.credential_id,
    "state": lambda row: row.state.value,
    "created_by": lambda row: row.created_by,
    "created_at": lambda row: row.created_at,
    "expires_at": lambda row: row.expires_at,
    "failure": lambda row: row.failure,
}
SORTING = Sorting(
    {
        "newest": ("-created_at", "-id"),
        "name": ("name", "id"),
        "ends": ("expires_at", "id"),
    },
    "newest",
)


def owned_links(request: Request) -> ConnectLinkQuerySet:
    return ConnectLink.objects.of(request.organization)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    """Filtered by batch and state. As CSV without the addresses, which let their holder connect:
    those are in `connect_link_export`."""
    if wants_csv(request):
        return csv_response(request, CSV)
    batch, state = get_query_param(request, "batch"), get_query_param(request, "state")
    search, counts = get_query_param(request, "q"), count_states(request)
    context = {
        **KEPT.context(request),
        "sorted_by": SORTING.chosen(request),
        "search": search,
        "chips": search_chips(request, ConnectLink.objects.all(), search),
        "narrowed": bool(search or state or batch),
        "new_rows": NEW_ROWS.part(request),
        "page": Pages(list_rows(request), ROWS).get_page(request.GET.get("page")),
        "states": [(each, counts[each]) for each in LinkState if counts[each] or each == state],
        "state": state,
        "batch": batch,
        "made_in_bulk": Batch.objects.of(request.organization)
        .filter(pk__in=parse_uuids([batch]))
        .first(),
        "total": sum(counts.values()),
        "some": bool(search) and sum(counts.values()) >= MAX_ROWS,
        "done": counts[LinkState.COMPLETED],
        "waiting": any(counts[each] for each in OPEN_STATES),
    }
    return render_page_or_partial(request, "connect_links/index.html", "table", context)


OPEN_STATES = (LinkState.CREATED, LinkState.OPENED, LinkState.FAILED)


def searched_links(asked: Asked) -> ConnectLinkQuerySet:
    """Those of the batch that match the search, whatever their state."""
    rows = ConnectLink.objects.of(asked.organization).matching(get_query_param(asked, "q"))
    return filter_by_batch(rows, get_query_param(asked, "batch"))


def count_states(asked: Asked) -> dict[LinkState, int]:
    """How many there are in each state; of all of them cached as `kept_if_many()` does, and of
    those that a search finds no more than the pages show."""

    def count() -> dict[LinkState, int]:
        return searched_links(asked).by_state(clock.now())

    if get_query_param(asked, "batch"):
        return count()
    if get_query_param(asked, "q"):
        newest = searched_links(asked).order_by("-created_at", "-id")[:MAX_ROWS]
        return newest.by_state(clock.now())
    key = f"links:{asked.organization.pk}"
    return kept_if_many(key, count, lambda counts: sum(counts.values()))


def list_rows(asked: Asked) -> ConnectLinkQuerySet:
    """The links that pass the filters, in the order that was asked for."""
    rows, state = searched_links(asked), get_query_param(asked, "state")
    if state in LinkState.values:
        rows = rows.in_state(state, clock.now())
    listed = rows.select_related("reconnects", "credential").defer("secrets")
    # Joined with so few people SQLite would no longer read the links in order.
    return listed.prefetch_related("created_by").order_by(*SORTING.order(SORTING.chosen(asked)))


CSV = CsvList("connect_links", list_rows, COLUMNS)
NEW_ROWS = keep_new_rows("connect_links", list_rows)
KEPT = KeptList("connect_links", ("q", "state", "batch"), SORTING)


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
            link = links.create(
                request.organization, actor=actor_of(request), **form.link_arguments()
            )
        except links.BadLink as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
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
        link = links.create_reconnect(request.organization, credential, actor=actor_of(request))
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
    remember_viewed(request, "connect_link", link)
    sent = link.mails.select_related("delivery", "created_by").defer("delivery__secrets")
    context = {
        "link": link,
        "address": links.address(link),
        "mails": sent.order_by("-created_at")[:10],
        "can_send": bool(link.contact),
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
                lambda row: links.update_link(row, actor=actor_of(request), **form.cleaned_data)
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
    rows = owned_links(request).select_related("organization", "reconnects")
    link = get_object_or_404(rows, pk=pk)
    if not link.is_open or (
        request.method == "POST" and not links.revoke(link, actor=actor_of(request))
    ):
        messages.warning(request, f"{link} was over already, so there was nothing to withdraw.")
        return redirect("dashboard:connect_link", pk=pk)
    if request.method == "POST":
        messages.success(request, f"{link} is withdrawn: it opens nothing any more.")
        return redirect("dashboard:connect_link", pk=pk)
    return render_question(
        request,
        title=f"Withdraw the {as_object(link)}?",
        button=f"Withdraw the {as_object(link)}",
        back=reverse("dashboard:connect_link", args=[pk]),
        reach=reach_of_withdrawing_link(link),
    )


def as_object(link: ConnectLink) -> str:
    """Its name within a sentence."""
    return str(link).replace("Connect", "connect", 1)
