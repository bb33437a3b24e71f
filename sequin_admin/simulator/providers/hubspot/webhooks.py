"""The simulated HubSpot's webhooks: https://developers.hubspot.com/docs/api-reference/webhooks."""

import json
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount, WebhookMessage
from sequin_admin.simulator.providers.hubspot.common import provider
from sequin_admin.simulator.rows.collection import RowCollection
from sequin_admin.simulator.rows.ids import PlainIds
from sequin_admin.simulator.rows.living import RowEvent
from sequin_admin.simulator.rows.wheel import ChangeKind
from sequin_admin.simulator.webhooks.formats import (
    HOUR_S,
    MINUTE_S,
    WebhookEvent,
    WebhookFormat,
    base64_hmac,
    row_before,
)

OBJECTS = {"contacts": "contact", "companies": "company", "deals": "deal", "tickets": "ticket"}
APP_ID = 5_101_965


class HubSpotWebhooks(WebhookFormat):
    """A list of events: one for a new or deleted object, and one for each property that changed.
    Up to 10 attempts in 24 hours."""

    secret_of_app = True
    retries_s = (MINUTE_S, 10 * MINUTE_S, HOUR_S, *[3 * HOUR_S] * 7)

    def render(
        self, account: SimulatedAccount, collection: RowCollection, event: RowEvent
    ) -> WebhookEvent | None:
        kind = OBJECTS[collection.name]
        before = row_before(account, collection, event)
        changed: list[dict[str, Any]]
        if event.kind == ChangeKind.UPDATE:
            told, old = f"{kind}.propertyChange", before.fields if before else {}
            changed = [
                {"propertyName": name, "propertyValue": value}
                for name, value in event.row.fields.items()
                if old.get(name) != value
            ]
        else:
            is_new = event.kind == ChangeKind.CREATE
            told = f"{kind}.creation" if is_new else f"{kind}.deletion"
            changed = [{"changeFlag": "CREATED" if is_new else "DELETED"}]
        if not changed:
            return None
        place = list(OBJECTS).index(collection.name)
        payload = [
            {
                "eventId": (event.place * len(OBJECTS) + place) * 100 + number,
                "subscriptionId": 1000 + place,
                "portalId": int(account.external_id),
                "appId": APP_ID,
                "occurredAt": event.at_ms,
                "subscriptionType": told,
                "attemptNumber": 0,
                "objectId": int(PlainIds.id_of(event.row.number)),
                "changeSource": "CRM_UI",
                **one,
            }
            for number, one in enumerate(changed)
        ]
        return WebhookEvent(str(event.place), told, payload)

    def body_of(self, message: WebhookMessage, sent_ms: int) -> bytes:
        events = [{**one, "attemptNumber": message.attempts} for one in message.payload]
        return json.dumps(events).encode()

    def headers_of(
        self, message: WebhookMessage, secret: str, body: bytes, sent_ms: int
    ) -> dict[str, str]:
        """Version 3: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation"""
        text = b"POST" + message.endpoint.url.encode() + body + str(sent_ms).encode()
        return {
            "X-HubSpot-Signature-v3": base64_hmac(secret, text),
            "X-HubSpot-Request-Timestamp": str(sent_ms),
            "User-Agent": "HubSpot Connect 2.0",
        }


provider.webhooks = HubSpotWebhooks()
