"""Notification channels: list, add, edit, test, disable, rotate, delete."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.ceilings import CeilingReached
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import delete_or_ask, disable_or_ask, render_question
from sequin_admin.dashboard.edits import Edit, status_of
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.listing import Pages, get_query_param, render_page_or_partial
from sequin_admin.dashboard.reach.access import (
    reach_of_deleting_channel,
    reach_of_disabling_channel,
)
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.forms import ChannelForm
from sequin_admin.notifications.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryQuerySet,
    DeliveryState,
)

ROWS = 50


def get_owned_or_404(request: Request, pk: str) -> Channel:
    rows = Channel.objects.of(request.organization).select_related("created_by", "organization")
    return get_object_or_404(rows.defer("secrets"), pk=pk)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    """Each channel with its last delivery."""
    rows = Channel.objects.of(request.organization).defer("secrets")
    last = rows.last_deliveries()
    context = {
        "rows": [(row, last.get(row.pk)) for row in rows.order_by("kind", "name", "created_at")],
        "kinds": list(ChannelKind),
        "to_customers": Delivery.objects.of(request.organization).to_customers().exists(),
    }
    return render(request, "notifications/index.html", context)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
@never_cache
def add(request: Request, kind: str) -> HttpResponse:
    """Add a channel. A webhook's secret is shown in this response only."""
    if kind not in ChannelKind.values:
        raise Http404(kind)
    form = ChannelForm(ChannelKind(kind), submitted_data(request))
    if request.method == "POST" and form.is_valid():
        organization, columns = request.organization, form.columns
        try:
            channel = channels.create(organization, form.kind, actor=actor_of(request), **columns)
        except CeilingReached as error:
            form.add_error(None, str(error))
            return show_form(request, form)
        secret = channel.secrets.get("signing")
        if secret:
            return show_secret(request, channel, secret)
        messages.success(request, f"{channel} is saved. Send a test to see it work.")
        return redirect("dashboard:channel", pk=channel.pk)
    return show_form(request, form)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def edit_channel(request: Request, pk: str) -> HttpResponse:
    channel = get_owned_or_404(request, pk)
    edit = Edit(channel, ChannelForm.of, submitted_data(request))
    form: ChannelForm = edit.form
    if (
        request.method == "POST"
        and form.is_valid()
        and edit.save(lambda row: channels.update(row, actor=actor_of(request), **form.columns))
    ):
        messages.success(request, f"{get_owned_or_404(request, pk)} is saved.")
        return redirect("dashboard:channel", pk=pk)
    return show_form(request, form, edit)


def show_form(request: Request, form: ChannelForm, edit: Edit | None = None) -> HttpResponse:
    context = {"form": form, "kind": form.kind, "channel": form.channel, "edit": edit}
    status = status_of(form, edit)
    return render(request, "notifications/form.html", context, status=status)


def show_secret(request: Request, channel: Channel, secret: str) -> HttpResponse:
    return render(request, "notifications/secret.html", {"channel": channel, "secret": secret})


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    channel = get_owned_or_404(request, pk)
    context = {
        "channel": channel,
        **build_log_context(request, Delivery.objects.filter(channel=channel)),
    }
    return render_page_or_partial(request, "notifications/detail.html", "log", context)


def build_log_context(request: Request, rows: DeliveryQuerySet) -> dict[str, Any]:
    """One page of deliveries, newest first, filtered by state."""
    counts, state = rows.by_state(), get_query_param(request, "state")
    shown = rows.filter(state=state) if state in counts else rows
    page = Pages(shown.defer("secrets").order_by("-id"), ROWS)
    return {
        "page": page.get_page(request.GET.get("page")),
        "states": [(each, counts[each]) for each in DeliveryState if counts[each] or each == state],
        "state": state,
        "total": sum(counts.values()),
        "waiting": counts[DeliveryState.PENDING],
    }


@require_POST
@may(Action.EDIT)
def test(request: Request, pk: str) -> HttpResponse:
    """Send a test message now and report the result."""
    channel = get_owned_or_404(request, pk)
    delivery = outbox.send_test(channel, actor=actor_of(request))
    if delivery.state == DeliveryState.DELIVERED:
        messages.success(request, f"The test was delivered to {channel}.")
    else:
        messages.error(request, f"The test did not arrive. {delivery.last_error}")
    return redirect("dashboard:channel", pk=pk)


@require_POST
@may(Action.CONFIGURE)
def enable(request: Request, pk: str) -> HttpResponse:
    channel = get_owned_or_404(request, pk)
    channels.enable(channel, actor=actor_of(request))
    messages.success(request, f"{channel} is enabled.")
    return redirect("dashboard:channel", pk=pk)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
def disable(request: Request, pk: str) -> HttpResponse:
    channel = get_owned_or_404(request, pk)
    return disable_or_ask(
        request,
        channel,
        channels.disable,
        reach=reach_of_disabling_channel,
        done=f"{channel} is disabled: nothing is sent there.",
    )


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
def delete(request: Request, pk: str) -> HttpResponse:
    channel = get_owned_or_404(request, pk)
    return delete_or_ask(
        request,
        channel,
        channels.delete,
        reach=reach_of_deleting_channel,
        then="dashboard:notifications",
    )


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
@never_cache
def rotate(request: Request, pk: str) -> HttpResponse:
    """Create a new signing secret, shown in this response only."""
    channel = get_owned_or_404(request, pk)
    if not channel.kind_choice.is_signed:
        raise Http404(pk)
    if request.method == "POST":
        return show_secret(request, channel, channels.rotate(channel, actor=actor_of(request)))
    text = (
        "For 24 hours messages are signed with both secrets, so that you can change the receiver."
    )
    return render_question(
        request,
        title=f"Replace the secret of {channel}?",
        text=text,
        button="Make a new secret",
        back=reverse("dashboard:channel", args=[channel.pk]),
    )
