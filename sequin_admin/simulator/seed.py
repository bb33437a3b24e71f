"""Seed data: each provider's developer app and accounts."""

import secrets
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField
from django.utils import timezone

from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.simulator import framework
from sequin_admin.simulator.models import (
    Fault,
    Hit,
    PointBucket,
    RowWrite,
    SimulatedAccount,
    SimulatedCall,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    WebhookEndpoint,
    WebhookMessage,
    World,
)
from sequin_admin.simulator.settings import SIMULATOR_REDIRECT_BASES

DEFAULT_SEED = "arrakis"
# What a reset deletes, first what points to others.
CHANGING = (
    *(SimulatedToken, SimulatedGrant, Fault, Hit, PointBucket, SimulatedCall),
    *(RowWrite, WebhookMessage, WebhookEndpoint, SimulatedAccount, World),
)

RESTORED = ("staged_secret", "distribution")
CLIENT = PreparedQuery(
    lambda provider, owner: SimulatedClient.objects.filter(provider=provider, owner=owner),
    {"provider": (CharField(), "a provider"), "owner": (CharField(), "an owner")},
)


def plant() -> None:
    """Create what is missing; existing rows stay, except for redirect URIs.

    Apps get the redirect URIs of this start, as the port may differ from the last one.
    """
    with transaction.atomic():
        set_redirect_uris(keep_others=True)
        World.objects.get_or_create(pk=1)
        planted = set(SimulatedAccount.objects.values_list("provider", flat=True))
        for slug, provider in framework.all_providers().items():
            if slug not in planted:
                provider.seed()


def reset(world_seed: str = DEFAULT_SEED, at: datetime | None = None) -> None:
    """Delete everything but the apps and seed again: app secrets need not be copied again.

    With the same `world_seed` the accounts hold the same rows again; with `at`, at the same times:
    the clock is stopped there.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            for model in CHANGING:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608
        World.objects.create(pk=1, seed=world_seed, stopped_at=at, born_at=at or timezone.now())
        set_redirect_uris(keep_others=False)
        for provider in framework.all_providers().values():
            provider.seed()


def set_redirect_uris(*, keep_others: bool) -> None:
    """Give each app the redirect URIs of this start, before others that it has or instead."""
    for app in SimulatedClient.objects.all():
        ours, known = redirect_uris(app.provider), app.redirect_uris
        app.redirect_uris = ours + [u for u in known if keep_others and u not in ours]
        if app.redirect_uris != known:
            app.save(update_fields=["redirect_uris"])


def create_client(provider: str, owner: str = "", **extra: Any) -> SimulatedClient:
    """The developer app of a provider, or of the customer with account `owner`, created once; of
    one that is there, what is `RESTORED` is again as at first."""
    row = CLIENT.first(provider=provider, owner=owner) or SimulatedClient.objects.create(
        provider=provider,
        owner=owner,
        client_id=extra.pop("client_id", f"{provider}-simulated-client"),
        client_secret=extra.pop("client_secret", f"simulated-{secrets.token_urlsafe(16)}"),
        redirect_uris=redirect_uris(provider),
        extra=extra,
    )
    restored = row.extra | {name: extra[name] for name in RESTORED if name in extra}
    if restored != row.extra:
        row.extra = restored
        row.save(update_fields=["extra"])
    return row


def redirect_uris(provider: str) -> list[str]:
    """The redirect URIs of an app; none for a provider without a consent page."""
    if not framework.all_providers()[provider].calls_back:
        return []
    bases = (base.rstrip("/") for base in SIMULATOR_REDIRECT_BASES)
    return [f"{base}/link/oauth2/callback/{provider}" for base in bases]


def create_account(provider: str, external_id: str, name: str, **data: Any) -> SimulatedAccount:
    return SimulatedAccount.objects.create(
        provider=provider, external_id=external_id, name=name, data=data
    )
