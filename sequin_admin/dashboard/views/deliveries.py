"""Deliveries of messages: the log, one delivery with its attempts, redelivery."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.shortcuts import render as show
from django.views.decorators.http import require_GET, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import render_page_or_partial
from sequin_admin.dashboard.views.notifications import build_log_context
from sequin_admin.notifications import outbox, senders
from sequin_admin.notifications.models import Delivery


def get_owned_or_404(request: Request, pk: str) -> Delivery:
    rows = Delivery.objects.of(request.organization).select_related("channel")
    return get_object_or_404(rows.defer("secrets", "channel__secrets"), uid=pk)


@require_GET
@may(Action.VIEW)
def to_customers(request: Request) -> HttpResponse:
    """Mails to the contacts of customers, which have no channel."""
    rows = Delivery.objects.of(request.organization).to_customers()
    return render_page_or_partial(
        request, "notifications/to_customers.html", "log", build_log_context(request, rows)
    )


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    delivery = get_owned_or_404(request, pk)
    context = {
        "delivery": delivery,
        "message": delivery.message,
        "preview": senders.preview(delivery),
        "tries": [{**t, "at": datetime.fromisoformat(t["at"])} for t in delivery.log[::-1]],
    }
    return show(request, "notifications/delivery.html", context)


@require_POST
@may(Action.EDIT)
def redeliver(request: Request, pk: str) -> HttpResponse:
    delivery = get_owned_or_404(request, pk)
    try:
        outbox.redeliver(delivery, actor=actor_of(request))
        messages.success(request, "It is sent again within seconds, with the same id.")
    except outbox.NotRedeliverable as error:
        messages.error(request, str(error))
    return redirect("dashboard:delivery", pk=pk)
