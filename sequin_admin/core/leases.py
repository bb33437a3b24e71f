"""Leases: at most one process at a time works on a row.

A lease expires by itself, so that a killed holder blocks others only for a short time. Who held an
expired one can't write any more once another has taken it: owner and fence are compared on every
write, and a fence only increases. Times are compared with the database's clock.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import F, Q

from sequin_admin.core import clock
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.concrete import concrete_model

LEASE_COLUMNS = {"lease_owner", "lease_fence", "lease_until"}


class Leased(models.Model):
    """The lease on a row: its holder, a number that increases with every lease, and its end.

    Without a holder it is free, and so it is when the end has passed.
    """

    lease_owner = models.CharField(max_length=32, blank=True, default="", editable=False)
    lease_fence = models.PositiveIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Lease columns are written by the functions below only: the row as it was read does not
        know who has taken it since."""
        if kwargs.get("update_fields") is None and not (self._state.adding or args):
            loaded = (f for f in self._meta.concrete_fields if f.attname in self.__dict__)
            names = {f.name for f in loaded if not f.primary_key}
            kwargs["update_fields"] = names - LEASE_COLUMNS
        super().save(*args, **kwargs)

    def is_leased(self) -> bool:
        """As far as this process knows: for people, not to decide who may work."""
        return self.lease_until is not None and self.lease_until > clock.now()


Row = TypeVar("Row", bound=Leased)
# What ends a lease.
RELEASED: dict[str, Any] = {"lease_owner": "", "lease_until": None}


def leased() -> Q:
    return Q(lease_until__gt=DatabaseTime())


def unleased() -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=DatabaseTime())


def claim_due(rows: models.QuerySet[Row], room: int, length: timedelta) -> list[Row]:
    """Take the leases of the first `room` of `rows`, which have their order, for `length`.

    One short transaction. Leased rows are left out, and rows locked by another process skipped.
    """
    with transaction.atomic():
        locked = rows.filter(unleased()).select_for_update(
            skip_locked=True, of=("self",), no_key=True
        )
        return take_locked(list(locked[:room]), length)


def take_locked(rows: Sequence[Row], length: timedelta, **written: Any) -> list[Row]:
    """Take the leases of unleased rows that this transaction has locked, and write other columns
    with them."""
    if rows:
        owner, manager = uuid.uuid4().hex, type(rows[0])._base_manager
        until = DatabaseTime(length, stored=True)
        locked = manager.filter(pk__in=[row.pk for row in rows])
        locked.update(
            lease_owner=owner, lease_fence=F("lease_fence") + 1, lease_until=until, **written
        )
        for row in rows:
            show_taken(row, owner, length)
    return list(rows)


def take(row: Row, length: timedelta, **written: Any) -> bool:
    """Take the lease of a row as it was read, and write other columns with it.

    False when another process holds it, or has held it since.
    """
    owner = uuid.uuid4().hex
    seen = type(row)._base_manager.filter(
        unleased(), pk=row.pk, lease_owner=row.lease_owner, lease_fence=row.lease_fence
    )
    until = DatabaseTime(length, stored=True)
    columns = {"lease_owner": owner, "lease_fence": row.lease_fence + 1, "lease_until": until}
    if not seen.update(**columns, **written):
        return False
    show_taken(row, owner, length)
    return True


def copy_lease(row: Row, to: Row) -> None:
    """Let another object of the same row know its lease."""
    for column in LEASE_COLUMNS:
        setattr(to, column, getattr(row, column))


def show_taken(row: Leased, owner: str, length: timedelta) -> None:
    row.lease_owner, row.lease_fence = owner, row.lease_fence + 1
    row.lease_until = clock.now() + length


def still_mine(row: Row) -> models.QuerySet[Row]:
    """The row as a queryset; empty once its lease was released or taken by another process.

    An expired lease that nobody has taken is still the holder's.
    """
    rows: models.QuerySet[Row] = type(row)._base_manager.all()
    mine = {"lease_owner": row.lease_owner, "lease_fence": row.lease_fence}
    return rows.filter(pk=row.pk, lease_until__isnull=False, **mine)


def with_fence(rows: models.QuerySet[Row], fence: int) -> models.QuerySet[Row]:
    """Those whose lease has this fence, as who knows only that number holds them."""
    return rows.filter(lease_fence=fence, lease_until__isnull=False)


def extend(held: models.QuerySet[Row], length: timedelta, **written: Any) -> bool:
    """Let the lease end `length` from now, and write other columns with it.

    `held` is `still_mine()`, or a part of it. False, and nothing written, when it is empty.
    """
    return held.update(lease_until=DatabaseTime(length, stored=True), **written) == 1


def revoke(*rows: Leased) -> None:
    """End the leases, whoever has them: their holders can't write any more."""
    if rows:
        held = type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows])
        held.update(**RELEASED, lease_fence=F("lease_fence") + 1)


def save_locked(rows: Sequence[Leased]) -> None:
    """As `save()` of each of these stored rows, which this transaction has locked, in one
    statement: it inserts them, and each one's key sends it to the row that is there.

    An `IntegrityError` is raised as by `save()`. `bulk_update()` would not prepare the values.
    """
    if rows:
        model = concrete_model(rows[0])
        kept = [f for f in model._meta.concrete_fields if not (f.primary_key or f.generated)]
        model._base_manager.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=[model._meta.pk.name],
            update_fields=[f.name for f in kept if f.name not in LEASE_COLUMNS],
        )


def release(row: Leased, **written: Any) -> bool:
    """End the lease, and write other columns with it. False, and nothing written, when it was
    lost."""
    return still_mine(row).update(**RELEASED, **written) == 1
