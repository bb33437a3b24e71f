"""Bulk actions on credentials: a page that says what, for whom and until when; then its progress.

The selection is in the URL: `credential` for each that is ticked, or `all` with the list's filters.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.db.models import Count, Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.connect import batches, mails
from sequin_admin.connect.models import Batch, BatchAction, ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.core.forms import set_choices
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.core.words import format_short_time
from sequin_admin.credentials.models import Credential, CredentialQuerySet
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.listing import get_query_param, parse_uuids, render_page_or_partial
from sequin_admin.dashboard.reach.connect import reach_of_withdrawing_batch
from sequin_admin.dashboard.reach.model import Affected
from sequin_admin.dashboard.views.connect_link_forms import LIFETIMES
from sequin_admin.dashboard.views.credential_filters import filter_credentials
from sequin_admin.dashboard.views.credential_list import LIST_PARAMS
from sequin_admin.dashboard.views.limits import LimitForm
from sequin_admin.limits import models as limits

NAMED = 20


class LifetimeForm(forms.Form):
    """When the links of a batch end, and in which language. Which button was pressed says whether
    they are mailed."""

    days = forms.ChoiceField(label="They last", initial="7")
    language = forms.ChoiceField(
        required=False,
        label="Language",
        choices=(("", "That of mails, then of each customer's browser"), *LANGUAGES.items()),
    )

    def __init__(self, data: QueryDict | None = None, contacts: int = 0) -> None:
        super().__init__(data)
        self.contacts = contacts
        now = clock.now()
        choices = [
            (days, f"{label}, until {format_short_time(now + timedelta(days=int(days)))}")
            for days, label in LIFETIMES
        ]
        set_choices(self, "days", choices)

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"days": int(given["days"]), "language": given["language"]}

    def mail(self) -> dict[str, Any] | None:
        """How the links are mailed: by the template, reminded as usual. None if they are not."""
        return {} if self.contacts and self.data.get("send") else None


def get_selected_credentials(request: Request) -> CredentialQuerySet:
    rows = Credential.objects.of(request.organization).select_related("oauth_app")
    if request.GET.get("all"):
        return filter_credentials(request, rows).order_by("name", "id")
    ticked = parse_uuids(request.GET.getlist("credential"))
    return rows.filter(pk__in=ticked).order_by("name", "id")


def list_query(request: Request) -> str:
    """The query of the list that the selection was made in."""
    return urlencode([(name, v) for name in LIST_PARAMS if (v := get_query_param(request, name))])


def list_url(query: str) -> str:
    path = reverse("dashboard:credentials")
    return f"{path}?{query}" if query else path


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def reconnect_links(request: Request) -> HttpResponse:
    """Create reconnect links for the selected credentials."""

    def build(rows: CredentialQuerySet, data: QueryDict | None) -> LifetimeForm:
        return LifetimeForm(data, contacts=count_contacts(rows))

    return ask_and_start(request, BatchAction.RECONNECT, build)


def count_contacts(rows: CredentialQuerySet) -> int:
    """How many of them get a link that can be mailed."""
    return rows.exclude(contact_email="").exclude(health_status="sequin_intervention").count()


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def rate_limits(request: Request) -> HttpResponse:
    """Set one rate limit for the selected credentials."""
    return ask_and_start(
        request,
        BatchAction.LIMIT,
        lambda rows, data: LimitForm(data, instance=limits.get_rate_limit(rows[0])),
    )


def ask_and_start(
    request: Request, action: BatchAction, build: Callable[[CredentialQuerySet, Any], Any]
) -> HttpResponse:
    """Show what will be done for whom; start it once that is confirmed for just as many.

    Sent again, as by a second click or after Back, the page leads to the batch that it started.
    """
    [pk] = parse_uuids([request.POST.get("batch", "")]) or [uuid4()]
    if Batch.objects.of(request.organization).filter(pk=pk).exists():
        return redirect("dashboard:batch", pk=pk)
    rows = get_selected_credentials(request).select_related("rate_limit").defer("secrets")
    total, query = rows.count(), list_query(request)
    if not total:
        messages.warning(request, "Nothing was done. Tick the credentials that you mean.")
        return redirect(list_url(query))
    form = build(rows, request.POST or None)
    changed = request.method == "POST" and request.POST.get("count") != str(total)
    if request.method == "POST" and form.is_valid() and not changed:
        # Of two at once, one starts it.
        with suppress(IntegrityError):
            batches.start(
                request.organization,
                rows,
                action,
                actor=actor_of(request),
                options=form.options(),
                mail=form.mail() if action is BatchAction.RECONNECT else None,
                query=query,
                pk=pk,
            )
        return redirect("dashboard:batch", pk=pk)
    ours = rows.filter(health_status="sequin_intervention").count()
    context = {
        "form": form,
        "batch": pk,
        "total": total,
        "named": list(rows[:NAMED]),
        "more": max(total - NAMED, 0),
        "ours": ours,
        **(mail_counts(request, form.contacts) if action is BatchAction.RECONNECT else {}),
        "pieces": total - ours if action is BatchAction.RECONNECT else total,
        "changed": changed,
        "back": list_url(query),
    }
    template = f"batches/{action.value}.html"
    return render(request, template, context, status=422 if form.errors or changed else 200)


def mail_counts(request: Request, contacts: int) -> dict[str, int]:
    """How many have a contact, and what of that is above the day's limit."""
    allowance = mails.get_allowance(request.organization)
    return {
        "contacts": contacts,
        "left": allowance.left,
        "most": allowance.most,
        "later": max(contacts - allowance.left, 0),
    }


def get_owned_or_404(request: Request, pk: UUID) -> Batch:
    rows = Batch.objects.of(request.organization).select_related("created_by", "withdrawn_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: UUID) -> HttpResponse:
    """How far a batch is, what it left out, and what came of its links."""
    batch = get_owned_or_404(request, pk)
    counts = batch.items.aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(done_at__isnull=False)),
        left_out=Count("pk", filter=~Q(reason="")),
    )
    states = ConnectLink.objects.of(request.organization).filter(batch=batch.pk)
    by_state = states.by_state(clock.now())
    left_out = batch.items.exclude(reason="").select_related("credential").order_by("pk")
    context = {
        "batch": batch,
        **counts,
        **(batches.count_mails(batch) if batch.makes_links else {}),
        "made": counts["done"] - counts["left_out"],
        "skipped": left_out.defer("credential__secrets")[:NAMED],
        "more": max(counts["left_out"] - NAMED, 0),
        "connected": by_state[LinkState.COMPLETED],
        "links": sum(by_state.values()),
        "open": sum(by_state[s] for s in OPEN_STATES),
        "ends": batch.created_at + timedelta(days=batch.options.get("days", 0)),
        "back": list_url(batch.query),
        "limit": limits.RateLimit(**batch.options) if not batch.makes_links else None,
    }
    return render_page_or_partial(request, "batches/detail.html", "progress", context)


OPEN_STATES = (LinkState.CREATED, LinkState.OPENED, LinkState.FAILED)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def withdraw(request: Request, pk: UUID) -> HttpResponse:
    """Stop a batch and revoke its open links; what is connected stays."""
    batch = get_owned_or_404(request, pk)
    if request.method == "POST":
        batches.withdraw(batch, actor=actor_of(request))
        messages.success(request, "It is being withdrawn: what is open ends, the rest stays.")
        return redirect("dashboard:batch", pk=pk)
    reach = reach_of_withdrawing_batch(batch)
    first = reach.stops[0]
    what = f"{first.count:,} {first.noun}" if isinstance(first, Affected) else "the batch"
    return render_question(
        request,
        title="Withdraw this batch?",
        button=f"Withdraw {what}",
        back=reverse("dashboard:batch", args=[pk]),
        reach=reach,
    )
