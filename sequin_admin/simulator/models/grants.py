"""What accounts allowed to apps, and the codes and tokens for it."""

import secrets
from datetime import timedelta
from typing import Any

from django.db import models

from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.simulator.models.accounts import SimulatedAccount, SimulatedClient
from sequin_admin.simulator.models.clock import now


class SimulatedGrant(models.Model):
    """What an account allowed a client to do, until it is revoked."""

    client = models.ForeignKey(SimulatedClient, models.CASCADE, related_name="grants")
    account = models.ForeignKey(SimulatedAccount, models.CASCADE, related_name="grants")
    scopes = models.JSONField(default=list)
    # Client credentials: the client acts for itself, without a person's consent.
    machine = models.BooleanField(default=False)
    revoked = models.BooleanField(default=False)
    # How often a spent refresh token was sent again: answered in grace, or detected as reuse.
    replays = models.PositiveIntegerField(default=0)
    reuses = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now)

    def revoke(self) -> None:
        SimulatedGrant.objects.filter(pk=self.pk).update(revoked=True)

    def increment(self, counter: str) -> None:
        SimulatedGrant.objects.filter(pk=self.pk).update(**{counter: models.F(counter) + 1})


class SimulatedToken(models.Model):
    """An authorization code, access token or refresh token (`use`)."""

    CODE, ACCESS, REFRESH = "code", "access", "refresh"

    grant = models.ForeignKey(SimulatedGrant, models.CASCADE, related_name="tokens")
    use = models.CharField(max_length=10)
    value = models.CharField(max_length=1000, unique=True)
    expires_at = models.DateTimeField(null=True)
    spent_at = models.DateTimeField(null=True)
    # For the journal: the response with it reached nobody; an abandoned call sent it again. Columns
    # of their own, as another call may store its answer in `data` at the same time.
    destroyed = models.BooleanField(default=False)
    abandoned = models.BooleanField(default=False)
    data = models.JSONField(default=dict)

    @classmethod
    def issue(
        cls,
        grant: SimulatedGrant,
        use: str,
        prefix: str,
        life_s: float | None,
        *,
        value: str = "",
        **data: Any,
    ) -> "SimulatedToken":
        ends = None if life_s is None else now() + timedelta(seconds=life_s)
        value = value or f"{prefix}{secrets.token_urlsafe(24)}"
        return cls.objects.create(grant=grant, use=use, value=value, expires_at=ends, data=data)

    @classmethod
    def find_access(cls, provider: str, value: str) -> "SimulatedToken | None":
        """The valid access token of that value, if any."""
        token = ACCESS_TOKEN.first(provider=provider, value=value)
        return token if token and token.is_valid() else None

    def remaining_s(self) -> int:
        """Seconds until it expires."""
        return round((self.expires_at - now()).total_seconds()) if self.expires_at else 0

    def is_valid(self) -> bool:
        timely = self.expires_at is None or self.expires_at > now()
        return timely and self.spent_at is None and not self.grant.revoked

    def spend(self) -> bool:
        """Mark as used, atomically. True for exactly one caller."""
        return bool(SimulatedToken.objects.filter(pk=self.pk, spent_at=None).update(spent_at=now()))


ACCESS_TOKEN = PreparedQuery(
    lambda provider, value: SimulatedToken.objects.select_related(
        "grant__account", "grant__client"
    ).filter(use=SimulatedToken.ACCESS, value=value, grant__client__provider=provider),
    {"provider": (models.CharField(), "a provider"), "value": (models.CharField(), "a token")},
)
