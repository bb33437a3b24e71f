"""What a provider's webhooks have in common."""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass

from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient, WebhookMessage
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection
from sequin_admin.simulator.rows.living import LivingRows, RowEvent
from sequin_admin.simulator.rows.wheel import ChangeKind

MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True)
class WebhookEvent:
    """A message to be: the provider's id of the event, what it is about, and the body."""

    event_id: str
    topic: str
    payload: object


class WebhookFormat:
    """How a provider tells of changes. `retries_s` are the waits after attempts that failed;
    after the last one the provider gives up."""

    retries_s: tuple[int, ...] = ()
    secret_prefix = ""
    # Signed with the client secret of our app, as it is when a message is sent.
    secret_of_app = False

    def new_secret(self) -> str:
        """A secret of the endpoint's own; empty where the provider signs with that of the app."""
        return "" if self.secret_of_app else self.secret_prefix + secrets.token_hex(16)

    def render(
        self, account: SimulatedAccount, collection: RowCollection, event: RowEvent
    ) -> WebhookEvent | None:
        """The message about a change, or None where the provider tells nobody."""
        raise NotImplementedError

    def body_of(self, message: WebhookMessage, sent_ms: int) -> bytes:
        """The body of one attempt. `sent_ms` is real time in milliseconds since 1970."""
        return json.dumps(message.payload, separators=(",", ":")).encode()

    def headers_of(
        self, message: WebhookMessage, secret: str, body: bytes, sent_ms: int
    ) -> dict[str, str]:
        """The headers of one attempt, with its signature."""
        raise NotImplementedError


def read_app_secret(provider: str) -> str:
    client = SimulatedClient.objects.filter(provider=provider, owner="").first()
    return client.client_secret if client else ""


def hex_hmac(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def base64_hmac(secret: str, text: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def row_before(
    account: SimulatedAccount, collection: RowCollection, event: RowEvent
) -> LivingRow | None:
    """The row as it was before a change; None for a new one."""
    if event.kind == ChangeKind.CREATE:
        return None
    return LivingRows(account, collection, event.at_ms - 1).get(event.row.number)


def uuid_of(account: SimulatedAccount, collection: RowCollection, event: RowEvent) -> str:
    """The id of an event where the provider's is a UUID: the same whenever it is asked for."""
    place = f"{account.external_id}/{collection.name}/{event.at_ms}/{event.place}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, place))
