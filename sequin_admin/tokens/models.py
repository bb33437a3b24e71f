"""Access tokens with their lease, journal and refresh schedule."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.dispatch import receiver

from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.digests import DIGEST_CHARS
from sequin_admin.core.fields import DecryptionError, EncryptedJSONField
from sequin_admin.core.turns import QUEUE_CHARS
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.signals import destination_changed


class TokenQuerySet(models.QuerySet["Token"]):
    """Tokens that are due for a refresh."""

    def refresh_due(self) -> Self:
        due = self.filter(refresh_at__lte=DatabaseTime(), credential__disabled_at=None)
        return due.order_by("refresh_at")

    def bulk_create(self, objs: Iterable["Token"], *args: Any, **kwargs: Any) -> list["Token"]:
        tokens = list(objs)
        for token in tokens:
            token.queue = token.credential.queue_name
        return super().bulk_create(tokens, *args, **kwargs)

    def with_credential(self) -> Self:
        """Joined with the credential, without which the secrets can't be decrypted."""
        return self.select_related("credential")


class Token(leases.Leased):
    """The access token of one credential, and the lease on it.

    `secrets` has `access_token` and, for kinds with a grace period, `previous_refresh_token`, valid
    until `previous_until`. `version` increases with every new token. `lease_fence` increases with
    every lease; only the holder of the newest fence writes a result. `journal` has the last
    attempts (no secrets): `{"fence", "at", "ended", "code"}`; one without `ended` is in progress or
    was cut off. `failures` counts failed attempts in a row. `refusal` is the outcome of the last
    failed attempt, repeated to readers until `next_try_at`. The worker refreshes the token at
    `refresh_at`, in its turn in the `queue` of its credential. `tried_at` is the start of the last
    attempt. `grant_refused` is set from a refusal of the refresh token until there is another one.
    A row is never deleted without its credential, so that version and fence never go back.
    """

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="token"
    )
    secrets = EncryptedJSONField(
        scope="token",
        bind=("credential_id", "credential_seal"),
        # Never known while the row is loaded, only with its credential.
        bind_columns=("credential",),
    )
    scope = models.TextField(blank=True, default="")
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    refresh_at = models.DateTimeField(null=True)
    previous_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)
    journal = models.JSONField(default=list)
    failures = models.PositiveIntegerField(default=0)
    refusal = models.JSONField(default=dict)
    queue = models.CharField(max_length=QUEUE_CHARS, default="", editable=False)
    grant_refused = models.BooleanField(default=False)
    next_try_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("refresh_at",), name="token_refresh_at"),
            models.Index(fields=("queue", "refresh_at"), name="token_queue"),
            models.Index(
                fields=("lease_until",),
                name="token_leased",
                condition=models.Q(lease_until__isnull=False),
            ),
            models.Index(fields=("tried_at",), name="token_tried_at"),
        )

    def __str__(self) -> str:
        return f"token of {self.credential_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # A credential may be connected through another OAuth app.
        if self._state.adding or kwargs.get("update_fields") is None:
            self.queue = self.credential.queue_name
        super().save(*args, **kwargs)

    @property
    def credential_seal(self) -> str:
        """The credential's organization, kind and destination, where the token is sent."""
        owner = self.credential
        return f"{owner.organization_id} {owner.kind} {owner.destination}"

    @property
    def lifetime_s(self) -> float | None:
        """Lifetime as issued, in seconds. None when the token does not expire."""
        if self.expires_at is None or self.issued_at is None:
            return None
        return (self.expires_at - self.issued_at).total_seconds()

    def is_valid(self, at: datetime, margin_s: float = 0) -> bool:
        """Whether there is an access token that stays valid for more than `margin_s` seconds."""
        if self.version == 0:
            return False
        return self.expires_at is None or (self.expires_at - at).total_seconds() > margin_s

    def invalidate(self, *, renewable: bool) -> None:
        """Forget the access token, whose refresh token or key was replaced. Does not save: the
        caller also revokes the lease of a renewal in progress."""
        self.version += 1
        self.journal = []
        self.secrets, self.previous_until, self.issued_at = {}, None, None
        self.expires_at, self.refresh_at = None, None
        self.failures, self.refusal, self.next_try_at = 0, {}, None
        self.grant_refused = False
        if renewable:
            self.make_due()

    def make_due(self) -> None:
        """Have the access token renewed before it is used again. A renewal in progress goes on: its
        answer may have the only refresh token that works. Does not save."""
        self.expires_at = clock.now()
        self.end_back_off()

    def end_back_off(self) -> None:
        """Have it renewed now, whatever failed before. Does not save."""
        self.refresh_at = clock.now()
        self.failures, self.refusal, self.next_try_at = 0, {}, None


@receiver(destination_changed)
def reseal_tokens(moves: Sequence[tuple[Credential, Credential]], **kwargs: Any) -> None:
    """Encrypt the tokens for the new destinations of their credentials."""
    tokens = (
        Token.objects.select_for_update().order_by("pk").in_bulk([after.pk for _, after in moves])
    )
    for before, after in moves:
        if after.pk in tokens:
            reseal(tokens[after.pk], before, after)
    leases.save_locked([*tokens.values()])


def reseal(token: Token, before: Credential, after: Credential) -> None:
    """Have it encrypted for the new destination; drop what can't be decrypted. Does not save."""
    token.credential = before
    try:
        secrets = dict(token.secrets)
    except DecryptionError:
        secrets, token.version = {}, token.version + 1
        token.expires_at = clock.now()
    token.credential, token.secrets = after, secrets


class ChainDigest(models.Model):
    """A token that a credential was given or issued: a keyed digest, never the token itself.

    See `tokens.chains`. `issued_at` is set while only a renewal brought it and nobody was shown it:
    a kind whose tokens last an hour adds 24 such rows a day.
    """

    credential = models.ForeignKey(Credential, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=DIGEST_CHARS)
    issued_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("issued_at",), name="chain_digest_issued_at"),)
        constraints = (
            models.UniqueConstraint(fields=("digest", "credential"), name="chain_digest_once"),
        )

    def __str__(self) -> str:
        return f"token of {self.credential_id}"


class RefreshThrottleLock(models.Model):
    """One row for each provider, locked while a worker counts which renewals it may start there."""

    provider = models.CharField(max_length=40, unique=True, default="")

    def __str__(self) -> str:
        return f"refresh throttle of {self.provider}"


class Purpose(models.TextChoices):
    """What an endpoint is called for."""

    RENEW = "renew", "Renewing tokens"
    PROBE = "probe", "Probing"


class SilentEndpoint(models.Model):
    """A token endpoint or a probed host whose latest call got no answer.

    `place` has the values of the kind's destination properties; it is empty where all accounts of
    a kind share one host. While `trial_until` is in the future a call is under way.
    """

    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    kind = models.CharField(max_length=40)
    # The credential's `destination`.
    destination = models.TextField(blank=True)
    place = models.JSONField(default=dict)
    since = models.DateTimeField(default=clock.now)
    tried_at = models.DateTimeField(default=clock.now)
    trial_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("purpose", "kind", "destination"), name="silent_endpoint_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.purpose} {self.kind} {self.destination}".strip()

    @property
    def title(self) -> str:
        """The kind, and the host where each account has its own."""
        kind = kinds.find(self.kind)
        place = " · ".join(str(value) for value in self.place.values() if value)
        return f"{kind.full_title() if kind else self.kind} {place}".strip()

    def accounts(self, credential: str = "") -> models.Q:
        """The credentials that are called there. `credential` is the path to them from a row."""
        path = f"{credential}__" if credential else ""
        accounts = models.Q(**{f"{path}kind": self.kind})
        if self.place:
            accounts &= models.Q(**{f"{path}properties__has_pairs": self.place})
        return accounts
