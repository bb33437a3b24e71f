"""The simulated Stripe's webhooks: https://docs.stripe.com/webhooks."""

from sequin_admin.simulator.models import SimulatedAccount, WebhookMessage
from sequin_admin.simulator.providers.stripe.common import provider
from sequin_admin.simulator.providers.stripe.events import Events
from sequin_admin.simulator.rows.collection import RowCollection
from sequin_admin.simulator.rows.living import RowEvent
from sequin_admin.simulator.webhooks.formats import (
    HOUR_S,
    MINUTE_S,
    WebhookEvent,
    WebhookFormat,
    hex_hmac,
)


class StripeWebhooks(WebhookFormat):
    """The event of `/v1/events`, retried for three days with growing waits."""

    retries_s = (5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, *[12 * HOUR_S] * 5)
    secret_prefix = "whsec_"

    def render(
        self, account: SimulatedAccount, collection: RowCollection, event: RowEvent
    ) -> WebhookEvent:
        body = Events(account, live=False).render(collection, event)
        return WebhookEvent(body["id"], body["type"], {**body, "pending_webhooks": 1})

    def headers_of(
        self, message: WebhookMessage, secret: str, body: bytes, sent_ms: int
    ) -> dict[str, str]:
        """https://docs.stripe.com/webhooks/signature"""
        at = str(sent_ms // 1000)
        signed = hex_hmac(secret, at.encode() + b"." + body)
        return {"Stripe-Signature": f"t={at},v1={signed}", "User-Agent": "Stripe/1.0"}


provider.webhooks = StripeWebhooks()
