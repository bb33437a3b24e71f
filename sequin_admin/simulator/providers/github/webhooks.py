"""The simulated GitHub's webhooks: https://docs.github.com/webhooks."""

from typing import Any

from sequin_admin.simulator.models import SimulatedAccount, WebhookMessage
from sequin_admin.simulator.providers.github.common import owner_of, provider
from sequin_admin.simulator.providers.github.issues import issue_json
from sequin_admin.simulator.providers.github.repositories import repository_json
from sequin_admin.simulator.rows.collection import RowCollection
from sequin_admin.simulator.rows.living import RowEvent
from sequin_admin.simulator.rows.wheel import ChangeKind
from sequin_admin.simulator.webhooks.formats import (
    WebhookEvent,
    WebhookFormat,
    hex_hmac,
    row_before,
    uuid_of,
)


class GitHubWebhooks(WebhookFormat):
    """Events `issues`. GitHub does not try again by itself:
    https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries
    """

    def render(
        self, account: SimulatedAccount, collection: RowCollection, event: RowEvent
    ) -> WebhookEvent:
        name = collection.name.partition("/")[0]
        issue = issue_json(account, name, event.row)
        before = row_before(account, collection, event)
        state = before.fields["state"] if before else issue["state"]
        action = {ChangeKind.CREATE: "opened", ChangeKind.DELETE: "deleted"}.get(event.kind)
        if action is None and state != issue["state"]:
            action = "closed" if issue["state"] == "closed" else "reopened"
        owner = owner_of(account)
        payload: dict[str, Any] = {
            "action": action or "edited",
            "issue": issue,
            "repository": repository_json(account, name),
            "sender": owner,
            "installation": {"id": account.data["installation_id"]},
        }
        if account.data["type"] == "Organization":
            payload["organization"] = {"login": owner["login"], "id": owner["id"]}
        if payload["action"] == "edited":
            payload["changes"] = {}
        return WebhookEvent(uuid_of(account, collection, event), "issues", payload)

    def headers_of(
        self, message: WebhookMessage, secret: str, body: bytes, sent_ms: int
    ) -> dict[str, str]:
        """https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers"""
        return {
            "User-Agent": "GitHub-Hookshot/simulated",
            "X-GitHub-Event": message.topic,
            "X-GitHub-Delivery": message.event_id,
            "X-GitHub-Hook-ID": str(message.endpoint_id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": f"sha256={hex_hmac(secret, body)}",
        }


provider.webhooks = GitHubWebhooks()
