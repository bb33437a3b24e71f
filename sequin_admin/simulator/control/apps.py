"""Our app at a provider, or a customer's: its secret and its addresses."""

import secrets
from typing import Any

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedClient


def rotate_secret(provider: ProviderSimulator, owner: str = "", secret: str = "") -> None:
    """Replace the client secret of our app, or of the customer's app (`owner`), at once: by the
    staged one, if there is one."""
    for client in SimulatedClient.objects.filter(provider=provider.slug, owner=owner):
        new = secret or client.extra.get("staged_secret")
        client.client_secret = new or f"{provider.secret_prefix}{secrets.token_hex(12)}"
        if "staged_secret" in client.extra:
            client.extra["staged_secret"] = ""
        client.save(update_fields=["client_secret", "extra"])


# What may be changed where an app has it: the URL that an install opens, a second secret that is
# valid as well, and whether an app is `public` or `custom`.
CHANGEABLE = ("app_url", "staged_secret", "distribution")


def change_app(provider: str, owner: str = "", **fields: Any) -> SimulatedClient:
    """Set fields of our app, or of the customer's: `client_secret`, `redirect_uris`, and those that
    are `CHANGEABLE`."""
    client = SimulatedClient.objects.filter(provider=provider, owner=owner).first()
    if client is None:
        raise ControlError(f"{provider} has no app of {owner or 'ours'}.")
    for name in {"client_secret", "redirect_uris"} & fields.keys():
        setattr(client, name, fields[name])
    for name in CHANGEABLE:
        if name in client.extra and name in fields:
            client.extra[name] = fields[name]
    client.save()
    return client
