"""The tables beside the log: seals, their keys and ends, what waits for them, and repeats.

Each organization's events are a chain of their own, and those of none are the installation's.
"""

import uuid
from typing import ClassVar

from django.db import models

from sequin_admin.core import clock
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.core.leases import Leased

# The chain of events that belong to no organization.
INSTALLATION = uuid.UUID(int=0)
MAC_CHARS = 64


class UnsealedEvent(models.Model):
    """An event that no seal covers yet: written by a trigger in the transaction of the event.

    So what is committed late, with a lower id, is sealed late, and never skipped.
    """

    event_id = models.BigIntegerField(primary_key=True)
    written_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.event_id)


class SealKey(models.Model):
    """A key of the seals; the newest one seals. Rotation re-encrypts it, its value stays."""

    secrets = EncryptedJSONField(scope="seal_key", bind=("id",))
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"seal key {self.pk}"


class Seal(models.Model):
    """A link of a chain: which events it covers, and a MAC over them and the seal before.

    `entries` has `id:digest` for each event. A seal with `pruned_to` covers none: it records that
    the seals up to that number, of which the last had the MAC `anchor`, were removed with their
    events. From then on events of the chain with an id below `floor` may be deleted.

    One with the anchor "redaction" covers none either: it records that the events of its entries
    may be changed so that they have these digests.
    """

    chain = models.UUIDField(editable=False)
    number = models.PositiveBigIntegerField(editable=False)
    first_id = models.BigIntegerField(default=0, editable=False)
    last_id = models.BigIntegerField(default=0, db_index=True, editable=False)
    events = models.PositiveBigIntegerField(default=0, editable=False)
    entries = models.TextField(default="", editable=False)
    # Of its events the latest time, by which retention goes.
    newest_at = models.DateTimeField(null=True, editable=False)
    pruned_to = models.PositiveBigIntegerField(default=0, editable=False)
    anchor = models.CharField(max_length=MAC_CHARS, default="", editable=False)
    floor = models.BigIntegerField(default=0, editable=False)
    sealed_at = models.DateTimeField(default=clock.now, editable=False)
    key_id = models.BigIntegerField(editable=False)
    mac = models.CharField(max_length=MAC_CHARS, editable=False)

    class Meta:
        constraints: ClassVar = (
            models.UniqueConstraint(fields=("chain", "number"), name="seal_number_once"),
        )
        indexes: ClassVar = (
            models.Index(
                fields=("chain", "floor"), name="seal_floor", condition=models.Q(floor__gt=0)
            ),
            models.Index(fields=("newest_at",), name="seal_newest"),
        )

    def __str__(self) -> str:
        return f"{self.chain} {self.number}"


class ChainHead(models.Model):
    """The number and the MAC of the last seal of a chain."""

    chain = models.UUIDField(primary_key=True, editable=False)
    number = models.PositiveBigIntegerField(editable=False)
    mac = models.CharField(max_length=MAC_CHARS, editable=False)

    def __str__(self) -> str:
        return f"{self.chain} {self.number}"


class RepeatedEvent(models.Model):
    """An event of which repeats are counted, not written, until `until`: see `audit.repeats`.

    `key` is a digest of actor, action, address and organization.
    """

    key = models.CharField(max_length=64, primary_key=True)
    columns = models.JSONField()
    unknown = models.BooleanField()
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class AuditExport(Leased):
    """How far seals and events were exported: one row. `error` is what went wrong last."""

    last_seal = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now)
    exported_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, default="")

    def __str__(self) -> str:
        return f"audit export up to {self.last_seal}"


class Redaction(Leased):
    """A person whose names are replaced in the events up to `last_event`, which is known when it
    begins; up to `done_event` they are. It goes when all are. `person` is the id of an account that
    is gone."""

    person = models.CharField(max_length=40)
    names = models.JSONField()
    pseudonym = models.CharField(max_length=60)
    last_event = models.BigIntegerField(null=True)
    done_event = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.pseudonym
