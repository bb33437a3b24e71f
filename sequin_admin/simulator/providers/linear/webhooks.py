"""The simulated Linear's webhooks: https://linear.app/developers/webhooks."""

import json
import uuid
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount, WebhookMessage
from sequin_admin.simulator.providers.linear.common import provider
from sequin_admin.simulator.providers.linear.ids import fixed_id
from sequin_admin.simulator.rows.collection import RowCollection, iso_millis
from sequin_admin.simulator.rows.living import RowEvent
from sequin_admin.simulator.rows.wheel import ChangeKind
from sequin_admin.simulator.webhooks.formats import (
    HOUR_S,
    MINUTE_S,
    WebhookEvent,
    WebhookFormat,
    hex_hmac,
    row_before,
    uuid_of,
)

TYPES = {"issues": "Issue", "projects": "Project", "users": "User"}
ACTIONS = {ChangeKind.CREATE: "create", ChangeKind.UPDATE: "update", ChangeKind.DELETE: "remove"}


class LinearWebhooks(WebhookFormat):
    """One message a change, retried up to three times."""

    retries_s = (MINUTE_S, HOUR_S, 6 * HOUR_S)
    secret_prefix = "lin_wh_"

    def render(
        self, account: SimulatedAccount, collection: RowCollection, event: RowEvent
    ) -> WebhookEvent:
        data = collection.render(account, event.row)
        payload: dict[str, Any] = {
            "action": ACTIONS[event.kind],
            "type": TYPES[collection.name],
            "createdAt": iso_millis(event.at_ms),
            "data": data,
            "url": data.get("url"),
            "organizationId": fixed_id(account, "organization"),
        }
        before = row_before(account, collection, event)
        if event.kind == ChangeKind.UPDATE and before:
            old = collection.render(account, before)
            payload["updatedFrom"] = {n: v for n, v in old.items() if data.get(n) != v}
        return WebhookEvent(uuid_of(account, collection, event), payload["type"], payload)

    def body_of(self, message: WebhookMessage, sent_ms: int) -> bytes:
        webhook_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"linear webhook {message.endpoint_id}"))
        told = {**message.payload, "webhookTimestamp": sent_ms, "webhookId": webhook_id}
        return json.dumps(told).encode()

    def headers_of(
        self, message: WebhookMessage, secret: str, body: bytes, sent_ms: int
    ) -> dict[str, str]:
        return {
            "Linear-Delivery": message.event_id,
            "Linear-Event": message.topic,
            "Linear-Signature": hex_hmac(secret, body),
            "Linear-Timestamp": str(sent_ms),
            "User-Agent": "Linear-Webhook",
        }


provider.webhooks = LinearWebhooks()
