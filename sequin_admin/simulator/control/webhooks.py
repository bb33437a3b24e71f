"""Addresses that are told of an account's changes."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedAccount, WebhookEndpoint, now
from sequin_admin.simulator.rows.collection import to_ms
from sequin_admin.simulator.webhooks import sending

MOST_ENDPOINTS = 20
NOT_HERE = "url must be an http address of this machine, such as http://127.0.0.1:9000/hooks."


def add_webhook(
    provider: ProviderSimulator, account: SimulatedAccount, url: object, secret: object = ""
) -> WebhookEndpoint:
    """From now on tell `url` of the account's changes. Raises `ControlError`."""
    if provider.webhooks is None:
        raise ControlError(f"{provider.title}'s webhooks are not simulated.")
    if not isinstance(url, str) or not is_here(url):
        raise ControlError(NOT_HERE)
    if not isinstance(secret, str) or len(secret) > 200:
        raise ControlError("secret must be a text of at most 200 characters.")
    if account.webhook_endpoints.count() >= MOST_ENDPOINTS:
        raise ControlError(f"At most {MOST_ENDPOINTS} addresses are told. Remove one first.")
    own = provider.webhooks.new_secret()
    endpoint = account.webhook_endpoints.create(
        url=url, secret=own and (secret or own), told_ms=to_ms(now()) - 1
    )
    sending.start()
    return endpoint


def is_here(url: str) -> bool:
    """Whether it is an address of this machine's loopback interface."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        known = parts.scheme == "http" and port != 0 and len(url) <= 500
        return known and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def remove_webhook(account: SimulatedAccount, endpoint_id: int) -> None:
    """Raises `ControlError` for one that is not the account's."""
    if not account.webhook_endpoints.filter(pk=endpoint_id).delete()[0]:
        raise ControlError("There is no such address any more.")


def webhooks_json(account: SimulatedAccount) -> list[dict[str, Any]]:
    """Each with its secret, if it is not the app's, and how many messages wait."""
    return [
        {
            "id": endpoint.pk,
            "url": endpoint.url,
            "secret": endpoint.secret,
            "waiting": endpoint.messages.count(),
        }
        for endpoint in account.webhook_endpoints.order_by("pk")
    ]
