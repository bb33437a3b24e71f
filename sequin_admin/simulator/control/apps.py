"""Our app at a provider, or a customer's: its secret and its addresses."""

import secrets
from typing import Any

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedClient


def rotate_secret(provider: ProviderSimulator, owner: str = "", secret: str = "") -> None:
    """Replace the client secret of our app, or of the customer's app (`owner`), at once."""
    secret = secret or f"{provider.secret_prefix}{secrets.token_hex(12)}"
    SimulatedClient.objects.filter(provider=provider.slug, owner=owner).update(client_secret=secret)


def change_app(provider: str, owner: str = "", **fields: Any) -> SimulatedClient:
    """Set the `client_secret`, `redirect_uris` or `app_url` of our app, or of the customer's."""
    client = SimulatedClient.objects.filter(provider=provider, owner=owner).first()
    if client is None:
        raise ControlError(f"{provider} has no app of {owner or 'ours'}.")
    for name in {"client_secret", "redirect_uris"} & fields.keys():
        setattr(client, name, fields[name])
    if "app_url" in client.extra and "app_url" in fields:
        client.extra["app_url"] = fields["app_url"]
    client.save()
    return client
