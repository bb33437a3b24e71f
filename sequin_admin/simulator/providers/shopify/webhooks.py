"""The simulated Shopify's webhooks: https://shopify.dev/docs/apps/build/webhooks."""

from sequin_admin.simulator.models import SimulatedAccount, WebhookMessage
from sequin_admin.simulator.providers.shopify.common import provider
from sequin_admin.simulator.rows.collection import RowCollection, iso_millis
from sequin_admin.simulator.rows.living import RowEvent
from sequin_admin.simulator.rows.wheel import ChangeKind
from sequin_admin.simulator.webhooks.formats import (
    HOUR_S,
    MINUTE_S,
    WebhookEvent,
    WebhookFormat,
    base64_hmac,
    uuid_of,
)

API_VERSION = "2026-10"


class ShopifyWebhooks(WebhookFormat):
    """Topics such as `orders/create`; up to 8 retries in 4 hours:
    https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks
    """

    secret_of_app = True
    retries_s = (*[MINUTE_S] * 2, *[10 * MINUTE_S] * 2, *[30 * MINUTE_S] * 2, HOUR_S, HOUR_S)

    def render(
        self, account: SimulatedAccount, collection: RowCollection, event: RowEvent
    ) -> WebhookEvent:
        row = collection.render(account, event.row)
        body = {"id": row["id"]} if event.kind == ChangeKind.DELETE else row
        topic = f"{collection.name}/{event.kind}"
        return WebhookEvent(uuid_of(account, collection, event), topic, body)

    def headers_of(
        self, message: WebhookMessage, secret: str, body: bytes, sent_ms: int
    ) -> dict[str, str]:
        """https://shopify.dev/docs/api/webhooks: the id of the event stays over all attempts."""
        return {
            "X-Shopify-Topic": message.topic,
            "X-Shopify-Hmac-Sha256": base64_hmac(secret, body),
            "X-Shopify-Shop-Domain": message.endpoint.account.external_id,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": message.event_id,
            "X-Shopify-Event-Id": message.event_id,
            "X-Shopify-Triggered-At": iso_millis(message.changed_ms),
        }


provider.webhooks = ShopifyWebhooks()
