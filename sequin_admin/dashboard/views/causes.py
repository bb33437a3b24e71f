"""Causes: the list of incidents by cause, the page of one, and what one does about it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.cause_lines import build_lines, build_rows
from sequin_admin.dashboard.cause_page import build_page, find_causes
from sequin_admin.dashboard.csv_export import Columns, CsvList, csv_response, wants_csv
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.listing import Asked, Pages, get_query_param, render_page_or_partial
from sequin_admin.dashboard.new_rows import keep_new_rows
from sequin_admin.dashboard.periods import PRESETS, PeriodForm
from sequin_admin.dashboard.search_chips import search_chips
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.dashboard.views.cause_forms import MuteForm, NoteForm
from sequin_admin.health import cause_verbs, cause_words
from sequin_admin.health.cause_models import PARTIES, CauseQuerySet
from sequin_admin.health.cause_verbs import CauseRefused
from sequin_admin.health.models import Cause

ROWS = 50
SORTING = Sorting(
    {
        "newest": ("-opened_at", "-id"),
        "size": ("-open_incidents", "-total_incidents", "-opened_at", "-id"),
    },
    "newest",
)
PARAMS = ("q", "state", "who", "when")
KEPT = KeptList("incidents", PARAMS, SORTING)
COLUMNS: Columns = {
    "id": lambda row: row.pk,
    "what": cause_words.headline,
    "provider": lambda row: row.provider,
    "code": lambda row: row.code,
    "status": lambda row: row.status,
    "message": lambda row: row.message,
    "open": lambda row: row.open_incidents,
    "total": lambda row: row.total_incidents,
    "affected": lambda row: row.affected,
    "opened_at": lambda row: row.opened_at,
    "resolved_at": lambda row: row.resolved_at,
    "owner": lambda row: row.owner or "",
}


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    """Open causes unless `state` is "resolved" or "all"; newest first."""
    if wants_csv(request):
        return csv_response(request, CSV)
    search, period = get_query_param(request, "q"), period_of(request)
    state, who = get_query_param(request, "state") or "open", get_query_param(request, "who")
    page = Pages(list_rows(request), ROWS).get_page(request.GET.get("page"))
    context = {
        **KEPT.context(request),
        "page": page,
        "rows": build_rows(page),
        "new_rows": NEW_ROWS.part(request),
        "sorted_by": SORTING.chosen(request),
        "state": state,
        "who": who,
        "when": period["when"].value(),
        "presets": {name: preset[0] for name, preset in PRESETS.items()},
        "search": search,
        "chips": search_chips(request, Cause.objects.all(), search),
    }
    return render_page_or_partial(request, "causes/index.html", "table", context)


def period_of(asked: Asked) -> PeriodForm:
    return PeriodForm({name: get_query_param(asked, name) for name in PeriodForm.base_fields})


def list_rows(asked: Asked) -> CauseQuerySet:
    """The causes that pass the filters, in the order that was asked for."""
    causes, state = Cause.objects.of(asked.organization), get_query_param(asked, "state") or "open"
    rows = narrow(causes, state, get_query_param(asked, "who"), period_of(asked))
    found = rows.matching(get_query_param(asked, "q")).select_related("owner")
    return found.order_by(*SORTING.order(SORTING.chosen(asked)))


CSV = CsvList("incidents", list_rows, COLUMNS)
NEW_ROWS = keep_new_rows("incidents", list_rows, "opened_at")


def narrow(rows: CauseQuerySet, state: str, who: str, period: PeriodForm) -> CauseQuerySet:
    if state == "open":
        rows = rows.open()
    elif state == "resolved":
        rows = rows.filter(resolved_at__isnull=False)
    rows = rows.filter(status=PARTIES[who]) if who in PARTIES else rows
    if not period.is_valid():
        return rows.none()
    rows = rows.filter(opened_at__gte=period.begins) if period.begins else rows
    return rows.filter(opened_at__lt=period.ends) if period.ends else rows


def get_owned_or_404(request: Request, pk: str) -> Cause:
    return get_object_or_404(find_causes(request), pk=pk)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    """What happened, whose move it is, who is affected, and what was done about it."""
    cause = get_owned_or_404(request, pk)
    context = {**build_page(request, cause), "note_form": NoteForm()}
    return render(request, "causes/detail.html", context)


def do_verb(request: Request, pk: str, verb: Callable[[Cause], object], done: str) -> HttpResponse:
    """Do it and say so, or say why not; back to the page of the cause.

    Raises `CauseRefused` when it is about a field: the form is shown again.
    """
    try:
        verb(get_owned_or_404(request, pk))
    except CauseRefused as error:
        if error.field:
            raise
        messages.warning(request, str(error))
    else:
        messages.success(request, done)
    return redirect("dashboard:cause", pk=pk)


@require_POST
@may(Action.EDIT)
def take(request: Request, pk: str) -> HttpResponse:
    """Say "I am on it": the others see who is."""

    def verb(cause: Cause) -> Cause:
        return cause_verbs.take(cause, request.user, actor=actor_of(request))

    return do_verb(request, pk, verb, "You are on it. The others see that.")


@require_POST
@may(Action.EDIT)
def release(request: Request, pk: str) -> HttpResponse:
    def verb(cause: Cause) -> Cause:
        return cause_verbs.release(cause, actor=actor_of(request))

    return do_verb(request, pk, verb, "Nobody is on it now.")


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def mute(request: Request, pk: str) -> HttpResponse:
    """Ask until when; then notify nobody of it."""
    cause, posted = get_owned_or_404(request, pk), request.method == "POST"
    form = MuteForm(request.POST if posted else None)

    def verb(cause: Cause) -> Cause:
        until = form.ends(clock.now())
        return cause_verbs.mute(cause, until=until, actor=actor_of(request))

    if posted and form.is_valid():
        try:
            return do_verb(request, pk, verb, "It is muted: counts and badges stay as they are.")
        except CauseRefused as error:
            form.add_error(error.field, str(error))
    context: dict[str, Any] = {"cause": cause, "form": form, "line": build_lines([cause])[0]}
    status = 422 if form.errors else 200
    return render(request, "causes/mute.html", context, status=status)


@require_POST
@may(Action.EDIT)
def unmute(request: Request, pk: str) -> HttpResponse:
    def verb(cause: Cause) -> Cause:
        return cause_verbs.unmute(cause, actor=actor_of(request))

    return do_verb(request, pk, verb, "It is muted no longer.")


@require_POST
@may(Action.EDIT)
def add_note(request: Request, pk: str) -> HttpResponse:
    cause, form = get_owned_or_404(request, pk), NoteForm(request.POST)

    def verb(cause: Cause) -> object:
        return cause_verbs.add_note(cause, form.cleaned_data["text"], actor=actor_of(request))

    if form.is_valid():
        try:
            return do_verb(request, pk, verb, "Your note is saved.")
        except CauseRefused as error:
            form.add_error(error.field, str(error))
    context = {**build_page(request, cause), "note_form": form}
    return render(request, "causes/detail.html", context, status=422)
