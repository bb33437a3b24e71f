"""What the control page and the control API can do to an account or a provider."""

import secrets
from datetime import timedelta
from typing import Any

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Provider
from sequin_admin.sandbox.models import Account, Client, Grant, Token, World, now

ACTIONS = {
    "revoke": "Revoke our access",
    "expire": "Expire access tokens now",
    "uninstall": "Uninstall the app",
    "suspend": "Suspend the installation",
    "drop_scope": "Take permissions away",
    "disable_user": "Disable the user",
    "change_password": "Change the password",
    "expire_key": "Expire the API keys",
    "roll_key": "Roll the API keys",
    "rotate_secret": "Rotate the client secret",
    "unauthorize": "Take the client's authorization away",
    "outage": "Answer 503",
    "html": "Answer with an HTML page",
    "timeout": "Don't answer",
    "throttle": "Throttle",
    "lost_response": "Lose the next token answer",
    "clear": "Back to normal",
}


def actions_of(provider: Provider) -> dict[str, str]:
    """The actions that make sense for the provider, with their labels."""
    names = ["revoke", "expire", *provider.switches, *faults.COMMON, "clear"]
    if not Client.objects.filter(provider=provider.slug).exists():
        names = [name for name in names if name not in {"revoke", "expire", "lost_response"}]
    names = [name for name in names if name not in provider.lacks]
    return {name: ACTIONS.get(name, name.replace("_", " ").capitalize()) for name in names}


def act(provider: Provider, account: Account, action: str, **data: Any) -> None:
    """Do one action. Raises `KeyError` for one the provider does not have."""
    if action not in actions_of(provider):
        raise KeyError(action)
    if action in faults.COMMON:
        times = 1 if action == "lost_response" else data.get("times")
        faults.set_fault(provider.slug, account, action, times)
    elif action == "clear":
        faults.clear(provider.slug, account)
        account.state = []
        account.save(update_fields=["state"])
    elif action in {"revoke", "uninstall"}:
        Grant.objects.filter(account=account).update(revoked=True)
        account.switch(action, on=action == "uninstall")
    elif action == "expire":
        living = Token.objects.filter(grant__account=account, use=Token.ACCESS)
        living.update(expires_at=now() - timedelta(seconds=1))
    elif action == "change_password":
        account.data["password"] = data.get("password", "changed")
        account.save(update_fields=["data"])
    elif action == "roll_key":
        keys = {n: f"{v}rolled" for n, v in account.data.items() if n.endswith("_key")}
        account.data.update(keys)
        account.save(update_fields=["data"])
    elif action == "rotate_secret":
        rotated = f"simulated-{secrets.token_urlsafe(16)}"
        own = Client.objects.filter(provider=provider.slug, owner=account.external_id)
        own.update(client_secret=data.get("client_secret", rotated))
    else:
        account.switch(action)


def change_app(provider: str, owner: str = "", **fields: Any) -> Client:
    """Set the `client_secret` or `redirect_uris` of our app, or of the customer's."""
    client = Client.objects.get(provider=provider, owner=owner)
    for name in {"client_secret", "redirect_uris"} & fields.keys():
        setattr(client, name, fields[name])
    client.save()
    return client


def move_clock(advance_s: float | None) -> None:
    """Advance the simulated clock, or set it back to real time."""
    world, _ = World.objects.get_or_create(pk=1)
    world.offset_s = 0 if advance_s is None else world.offset_s + advance_s
    world.save()


reset = seed.reset
