"""What accounts allowed to apps, and the codes and tokens for it."""

import json
import secrets
import sqlite3
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.simulator.models.accounts import SimulatedAccount, SimulatedClient
from sequin_admin.simulator.models.clock import now
from sequin_admin.simulator.models.memory import execute, forget, remembered, sql_time


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
        token = cls(grant=grant, use=use, value=value, expires_at=ends, data=data)
        stored = ends and sql_time(ends)
        token.pk = token._write(ISSUE, grant.pk, use, value, stored, json.dumps(data)).lastrowid
        token._state.adding = False
        return token

    @classmethod
    def find_access(cls, provider: str, value: str) -> "SimulatedToken | None":
        """The valid access token of that value, if any."""
        token = remembered(("token", value), lambda: ACCESS_TOKEN.first(value=value))
        if token is None or token.grant.client.provider != provider:
            return None
        return token if token.is_valid() else None

    def remaining_s(self) -> int:
        """Seconds until it expires."""
        return round((self.expires_at - now()).total_seconds()) if self.expires_at else 0

    def is_valid(self) -> bool:
        timely = self.expires_at is None or self.expires_at > now()
        return timely and self.spent_at is None and not self.grant.revoked

    def spend(self) -> bool:
        """Mark as used, atomically. True for exactly one caller."""
        return self._write(SPEND, sql_time(now()), self.pk).rowcount == 1

    def set_end(self, at: datetime) -> None:
        self.expires_at = at
        self._write(SET_END, sql_time(at), self.pk)

    def set_answer(self, answer: dict[str, Any]) -> None:
        """Keep the response to this token."""
        self.data["answer"] = answer
        self._write(SET_DATA, json.dumps(self.data), self.pk)

    def _write(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Of a token no more is remembered than itself, by its value."""
        forget(("token", self.value))
        return execute(statement, values, counted=False)


TOKENS = SimulatedToken._meta.db_table
ISSUE = (
    f"INSERT INTO {TOKENS} (grant_id, use, value, expires_at, destroyed, abandoned, data)"  # noqa: S608
    " VALUES (?, ?, ?, ?, 0, 0, ?)"
)
SPEND = f"UPDATE {TOKENS} SET spent_at = ? WHERE id = ? AND spent_at IS NULL"  # noqa: S608
SET_END = f"UPDATE {TOKENS} SET expires_at = ? WHERE id = ?"  # noqa: S608
SET_DATA = f"UPDATE {TOKENS} SET data = ? WHERE id = ?"  # noqa: S608
TOKEN_OF_CLIENT = PreparedQuery(
    lambda client, use, value: SimulatedToken.objects.select_related(
        "grant__account", "grant__client"
    ).filter(use=use, value=value, grant__client=client),
    {
        "client": (models.BigIntegerField(), 987_654_321),
        "use": (models.CharField(), "a use"),
        "value": (models.CharField(), "a token"),
    },
)
ACCESS_TOKEN = PreparedQuery(
    lambda value: SimulatedToken.objects.select_related("grant__account", "grant__client").filter(
        use=SimulatedToken.ACCESS, value=value
    ),
    {"value": (models.CharField(), "a token")},
)
