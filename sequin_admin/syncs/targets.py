"""Operations on targets. All audited."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction

from sequin_admin.access import endings, former_secrets
from sequin_admin.access.ceilings import refuse_above
from sequin_admin.access.former_secrets import Replaced
from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, leases
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.destinations import canonical_host
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.jitter import jittered
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.credentials.properties import ANOTHER, MASKED, is_mask, is_mask_of
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.health.checks import record_checks
from sequin_admin.health.rollup import propagate
from sequin_admin.syncs import connection_slots, postgres
from sequin_admin.syncs.models import Consumer, FormerTargetSecrets, Target
from sequin_admin.syncs.runs import consumer_runs

CHECK = "connection"
CHECK_EVERY = timedelta(minutes=15)
# Changing these without the password would allow sending the stored one to another server.
SAME_SERVER = ("host", "port", "ssl_mode")
# Whether the rows that were written are there does not follow from these.
SAME_ROWS = ("host", "port", "database", "schema")
PASSWORD_AGAIN = "Enter the password again: it is only kept for the same host, port and TLS mode."  # noqa: S105 - a sentence


@transaction.atomic
def create(organization: Organization, *, actor: AnyActor, password: str, **columns: Any) -> Target:
    """Raises `ValidationError` for a mask in place of the password, and for an address that must
    not be called."""
    if is_mask(password):
        raise ValidationError({"password": MASKED})
    refuse_above(organization, Target.objects.of(organization), "MAX_TARGETS")
    target = Target(organization=organization, secrets={"password": password}, **columns)
    refuse_address(target)
    target.save()
    record_change(target, "target.created", actor, address=target.address)
    return target


@transaction.atomic
def update(
    target: Target,
    *,
    actor: AnyActor,
    password: str = "",
    rows_moved: bool = False,
    **columns: Any,
) -> None:
    """Change the given columns that differ; an empty password, or the mask of the stored one, keeps
    it.

    In another database or schema everything is read again, unless the rows have moved there.

    Raises `ValidationError` if the stored password would be sent to another server, for the mask of
    another one, and for a new address that must not be called.
    """
    if is_mask(password):
        if not is_mask_of(password, str(target.secrets.get("password", ""))):
            raise ValidationError({"password": ANOTHER})
        password = ""
    changed = sorted(n for n, value in columns.items() if value != getattr(target, n))
    moved = {name for name in changed if name != "host" or not is_host_of(target, columns[name])}
    if not password and moved & set(SAME_SERVER):
        raise ValidationError({"password": PASSWORD_AGAIN})
    replaced = describe_password(target) if password else None
    for name in changed:
        setattr(target, name, columns[name])
    if {"host", "port"} & set(changed):
        refuse_address(target)
    if replaced:
        set_password(target, password, replaced, actor)
        changed.append("password")
    if changed:
        target.check_due_at = clock.now()
        target.save()
        record_change(target, "target.changed", actor, changed=changed)
        if moved & set(SAME_ROWS) and not rows_moved:
            consumer_runs.read_all_again(Consumer.objects.filter(target=target))


def is_host_of(target: Target, host: str) -> bool:
    """Whether it is the target's, perhaps in another spelling."""
    return canonical_host(host) == canonical_host(target.host)


def describe_password(target: Target) -> Replaced:
    """The stored password, and to which server it is sent. Empty when no key of ours opens it."""
    try:
        secrets = dict(target.secrets)
    except DecryptionError:
        secrets = {}
    server = {n: str(getattr(target, n)) for n in SAME_SERVER}
    server["host"] = canonical_host(target.host)
    return Replaced(target, secrets, " ".join(server.values()))


def set_password(target: Target, password: str, replaced: Replaced, actor: AnyActor) -> None:
    """Set another password, and keep the one that it replaces. Does not save the target."""
    target.secrets, target.secrets_changed_at = {"password": password}, clock.now()
    if replaced.secrets != target.secrets:
        former_secrets.keep(FormerTargetSecrets, [replaced], actor)


@transaction.atomic
def put_back(target: Target, pk: UUID, *, actor: AnyActor) -> None:
    """Let a former password and the current one change places. Raises `NotPutBack`."""
    target.refresh_from_db(from_queryset=Target.objects.select_for_update())
    replaced = describe_password(target)
    former = former_secrets.take(FormerTargetSecrets, target, pk, destination=replaced.destination)
    password = former.secrets["password"]
    former.delete()
    set_password(target, password, replaced, actor)
    target.check_due_at = clock.now()
    target.save()
    record_change(target, "target.password_put_back", actor)


def refuse_address(target: Target) -> None:
    """Raises `ValidationError` with the sentence of its test."""
    if outcome := postgres.forbidden_outcome(target):
        raise ValidationError({"host": outcome.sentence})


@transaction.atomic
def delete(target: Target, *, actor: AnyActor) -> None:
    """Delete the target. Raises `InUse` while consumers write to it."""
    refuse_if_used(target)
    record_change(target, "target.deleted", actor, address=target.address)
    target.delete()


@transaction.atomic
def request_test(target: Target, *, actor: AnyActor) -> None:
    """Make the target due now: a worker tests it within seconds."""
    Target.objects.filter(pk=target.pk).update(check_due_at=clock.now())
    record_change(target, "target.test_requested", actor)


def verify(target: Target, *, actor: AnyActor, wait_s: float = 0.0) -> Outcome:
    """Connect now and record the outcome, unless the target was changed meanwhile.

    Audited with an `actor`. Raises `TestsBusy` when there is no slot within `wait_s` seconds.
    """
    with connection_slots.slot(target, wait_s=wait_s):
        return record_outcome(target, postgres.check_connection(target), actor=actor)


def record_outcome(target: Target, outcome: Outcome, *, actor: AnyActor) -> Outcome:
    with transaction.atomic():
        unchanged = Target.objects.filter(pk=target.pk, updated_at=target.updated_at)
        if not unchanged.select_for_update(no_key=True).exists():
            return outcome
        changed = record_checks(target, {CHECK: outcome})
        target.checked_at = now = clock.now()
        target.check_due_at = now + jittered(CHECK_EVERY)
        target.save(update_fields=["checked_at", "check_due_at"])
        if actor:
            record_change(
                target, "target.tested", actor, verdict=outcome.verdict.value, code=outcome.code
            )
    propagate(changed)
    return outcome


def claim_due(room: int) -> Sequence[Target]:
    """Claim up to `room` targets that are due, each with its slot.

    The organizations take turns, so that none with many targets keeps the others waiting.
    """
    every = Target.objects.filter(leases.unleased(), check_due_at__lte=DatabaseTime())
    due = endings.without_ending(every, endings.list_ending())
    waiting = due.exclude(organization__in=connection_slots.full_organizations())
    oldest = waiting.values("organization").annotate(oldest=models.Min("check_due_at"))
    claimed: list[Target] = []
    for organization_id in oldest.order_by("oldest").values_list("organization", flat=True)[:room]:
        rows = due.filter(organization=organization_id).order_by("check_due_at")
        for target in rows[: connection_slots.MOST_PER_ORGANIZATION]:
            if len(claimed) < room and claim(target):
                claimed.append(target)
    return claimed


@transaction.atomic
def claim(target: Target) -> bool:
    """Take the target's slot, and its due time away until the slot has ended."""
    if not connection_slots.take_slot(target):
        return False
    rows = Target.objects.filter(pk=target.pk, check_due_at=target.check_due_at)
    if not rows.update(check_due_at=target.lease_until):
        leases.release(target)
        return False
    target.check_due_at = target.lease_until
    return True


def verify_claimed(target: Target) -> Outcome:
    try:
        return record_outcome(target, postgres.check_connection(target), actor=None)
    finally:
        # After the outcome is recorded: until then a page waits for it.
        leases.release(target)
