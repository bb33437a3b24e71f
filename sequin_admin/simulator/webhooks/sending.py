"""Looks for changes in a thread of the simulator's process, and posts them in one thread for each
address, so that a slow receiver keeps no other waiting.

A message is stored before it is sent and deleted after it was confirmed, so each comes at least
once, also when the process is killed.
"""

import logging
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from heapq import merge
from itertools import islice, takewhile

import httpx2
from django.db import connection, transaction

from sequin_admin.simulator import framework
from sequin_admin.simulator.drills import active_names
from sequin_admin.simulator.models import (
    SimulatedAccount,
    WebhookEndpoint,
    WebhookMessage,
    now,
)
from sequin_admin.simulator.rows.collection import RowCollection, to_ms
from sequin_admin.simulator.rows.living import LivingRows, RowEvent
from sequin_admin.simulator.webhooks.formats import WebhookEvent, WebhookFormat, read_app_secret

PAUSE_S, TIMEOUT_S = 0.5, 5
# A message that is being sent is nobody else's for so long.
LEASE_MS = 60_000
# Messages that an address is sent in one go, and changes that an endpoint is told of in one.
MOST = 200
# While webhooks are in disorder, each is late by up to so much, and so many come twice.
LATEST_MS, TWICE = 600_000, 0.3
# Of an address that did not confirm one message the others wait so long.
AWAY_MS = 5_000

log = logging.getLogger(__name__)
started = threading.Event()
# Addresses that are being sent messages.
busy, busy_lock = set[int](), threading.Lock()


def start() -> None:
    """Let a thread send from now on, if there is somebody to be told."""
    if not started.is_set() and WebhookEndpoint.objects.exists():
        started.set()
        threading.Thread(target=send_for_ever, name="webhooks", daemon=True).start()


def send_for_ever() -> None:
    with httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as http:
        while True:
            try:
                send_due(http)
            except Exception:
                log.exception("Webhooks could not be sent; trying again.")
                connection.close()
            time.sleep(PAUSE_S)


def send_due(http: httpx2.Client) -> None:
    """Store what changed, and begin to send to each address that is idle what is due."""
    for pk in list(WebhookEndpoint.objects.values_list("pk", flat=True)):
        store_changes(pk)
        with busy_lock:
            idle = pk not in busy
        messages = take_due(pk) if idle else []
        if messages:
            with busy_lock:
                busy.add(pk)
            turn = partial(send_in_turn, http, pk, messages)
            threading.Thread(target=turn, name=f"webhooks of {pk}", daemon=True).start()


def send_in_turn(http: httpx2.Client, endpoint_id: int, messages: list[WebhookMessage]) -> None:
    """Send them in order while the address confirms; the others wait."""
    try:
        confirmed = True
        for message in messages:
            if confirmed:
                confirmed = send(http, message)
            else:
                put_off(message, AWAY_MS)
    except Exception:
        # Their leases end, and they are sent again.
        log.exception("Webhooks could not be sent; trying again.")
    finally:
        connection.close()
        with busy_lock:
            busy.discard(endpoint_id)


@transaction.atomic
def store_changes(endpoint_id: int) -> None:
    """Store messages about the changes since the last look. Those of this millisecond wait for the
    next, as there may be more of them."""
    endpoint = WebhookEndpoint.objects.select_related("account").filter(pk=endpoint_id).first()
    last_ms = to_ms(now()) - 1
    if endpoint is None or last_ms == endpoint.told_ms:
        return
    provider = framework.all_providers()[endpoint.account.provider]
    # After the clock was set back there is nothing to tell.
    since_ms = min(endpoint.told_ms, last_ms) + 1
    disorder = "webhook_disorder" in active_names(provider.slug, last_ms)
    found = merge(
        *(
            changes_of(endpoint.account, collection, since_ms, last_ms)
            for collection in provider.collections.values()
        ),
        key=lambda change: change[1].at_ms,
    )
    changes = list(islice(found, MOST))
    if len(changes) == MOST:
        last_ms = changes[-1][1].at_ms
        changes += takewhile(lambda change: change[1].at_ms == last_ms, found)
    messages = list[WebhookMessage]()
    for collection, event in changes:
        told = format_of(endpoint).render(endpoint.account, collection, event)
        if told:
            messages += copies_of(told, endpoint, event.at_ms, disorder)
    WebhookMessage.objects.bulk_create(messages)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(told_ms=last_ms)


def changes_of(
    account: SimulatedAccount, collection: RowCollection, since_ms: int, last_ms: int
) -> Iterator[tuple[RowCollection, RowEvent]]:
    for event in LivingRows(account, collection, last_ms).events(since_ms):
        yield collection, event


def copies_of(
    told: WebhookEvent, endpoint: WebhookEndpoint, at_ms: int, disorder: bool
) -> list[WebhookMessage]:
    """The message; in disorder late, and perhaps twice."""
    late = [random.randrange(LATEST_MS)] if disorder else [0]  # noqa: S311 (not for security)
    late += [random.randrange(LATEST_MS)] if disorder and random.random() < TWICE else []  # noqa: S311
    return [
        WebhookMessage(endpoint=endpoint, changed_ms=at_ms, due_ms=at_ms + ms, **asdict(told))
        for ms in late
    ]


def format_of(endpoint: WebhookEndpoint) -> WebhookFormat:
    """Raises `LookupError` for a provider without webhooks."""
    found = framework.all_providers()[endpoint.account.provider].webhooks
    if found is None:
        raise LookupError(endpoint.account.provider)
    return found


@transaction.atomic
def take_due(endpoint_id: int) -> list[WebhookMessage]:
    """Messages to an address that are due, which nobody else takes meanwhile."""
    at_ms = to_ms(now())
    due = WebhookMessage.objects.filter(endpoint=endpoint_id, due_ms__lte=at_ms)
    due = due.order_by("due_ms", "pk")
    taken = list(due.select_related("endpoint__account")[:MOST])
    mine = WebhookMessage.objects.filter(pk__in=[one.pk for one in taken])
    mine.update(due_ms=at_ms + LEASE_MS)
    return taken


def send(http: httpx2.Client, message: WebhookMessage) -> bool:
    """Post it once; return whether it was confirmed. Without a 2xx it is due again later, as often
    as the provider tries."""
    endpoint = message.endpoint
    format_ = format_of(endpoint)
    secret = endpoint.secret or read_app_secret(endpoint.account.provider)
    confirmed = post(http, format_, message, secret)
    if confirmed or message.attempts >= len(format_.retries_s):
        WebhookMessage.objects.filter(pk=message.pk).delete()
    else:
        wait_ms = format_.retries_s[message.attempts] * 1000
        put_off(message, wait_ms, attempts=message.attempts + 1)
    return confirmed


def put_off(message: WebhookMessage, wait_ms: int, **written: int) -> None:
    due_ms = to_ms(now()) + wait_ms
    WebhookMessage.objects.filter(pk=message.pk).update(due_ms=due_ms, **written)


def post(http: httpx2.Client, format_: WebhookFormat, message: WebhookMessage, secret: str) -> bool:
    sent_ms = round(time.time() * 1000)
    body = format_.body_of(message, sent_ms)
    headers = format_.headers_of(message, secret, body, sent_ms)
    try:
        answer = http.post(
            message.endpoint.url,
            content=body,
            headers={"Content-Type": "application/json", **headers},
        )
    except httpx2.HTTPError:
        return False
    return answer.is_success
