"""Tables of the simulator. Nothing in them is secret: no real account is behind it."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone


class World(models.Model):
    """The one row that holds the simulated clock: real time plus `offset_s` seconds.

    While the clock is stopped, `stopped_at` takes the place of real time.
    """

    offset_s = models.FloatField(default=0)
    stopped_at = models.DateTimeField(null=True)


def now() -> datetime:
    """Simulated time, by which everything in the simulator expires."""
    stopped_at, offset_s = World.objects.values_list("stopped_at", "offset_s").first() or (None, 0)
    return (stopped_at or timezone.now()) + timedelta(seconds=offset_s)


class SimulatedClient(models.Model):
    """A developer's app at a provider: ours, or that of the customer whose account is `owner`."""

    provider = models.CharField(max_length=40)
    owner = models.CharField(max_length=100, blank=True, default="")
    client_id = models.CharField(max_length=200)
    client_secret = models.CharField(max_length=200)
    redirect_uris = models.JSONField(default=list)
    extra = models.JSONField(default=dict)

    def extras(self) -> list[tuple[str, str, str]]:
        """Name, label and value of the other fields on the developer page."""
        return [(n, n.replace("_", " ").capitalize(), str(v)) for n, v in self.extra.items()]


class SimulatedAccount(models.Model):
    """A customer's account. `state` holds the flags set on the control page (`suspend`...)."""

    provider = models.CharField(max_length=40)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    data = models.JSONField(default=dict)
    state = models.JSONField(default=list)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("provider", "external_id"), name="account_once"),
        )

    def __str__(self) -> str:
        return self.name

    def has(self, flag: str) -> bool:
        return flag in self.state

    def set_flag(self, flag: str, on: bool = True) -> None:
        self.state = sorted({*self.state, flag} if on else set(self.state) - {flag})
        self.save(update_fields=["state"])


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

    def remaining_s(self) -> int:
        """Seconds until it expires."""
        return round((self.expires_at - now()).total_seconds()) if self.expires_at else 0

    def is_valid(self) -> bool:
        timely = self.expires_at is None or self.expires_at > now()
        return timely and self.spent_at is None and not self.grant.revoked

    def spend(self) -> bool:
        """Mark as used, atomically. True for exactly one caller."""
        return bool(SimulatedToken.objects.filter(pk=self.pk, spent_at=None).update(spent_at=now()))


class Fault(models.Model):
    """An active fault of one account or of the whole provider (account NULL).

    `times` counts down; NULL lasts until it is cleared. `data` holds the chaos settings.
    """

    provider = models.CharField(max_length=40)
    account = models.ForeignKey(SimulatedAccount, models.CASCADE, null=True, related_name="faults")
    name = models.CharField(max_length=40)
    times = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)


class SimulatedCall(models.Model):
    """One answered call, for tests and the control page."""

    provider = models.CharField(max_length=40)
    account = models.CharField(max_length=100, blank=True, default="")
    endpoint = models.CharField(max_length=200)
    status = models.PositiveIntegerField()
    at = models.DateTimeField(default=now)


class Hit(models.Model):
    """One counted call against a provider's published limit."""

    key = models.CharField(max_length=200, db_index=True)
    at = models.DateTimeField()
