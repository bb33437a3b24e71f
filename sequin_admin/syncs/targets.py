"""Everything that somebody does to a target. All audited."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.health.rollup import propagate, record_checks
from sequin_admin.syncs import postgres
from sequin_admin.syncs.models import Target

CHECK = "connection"
AGAIN_EVERY = timedelta(minutes=15)
CLAIM = timedelta(minutes=1)
# Who could send the stored password elsewhere could read it there.
SAME_SERVER = ("host", "port", "ssl_mode")
PASSWORD_AGAIN = "Enter the password again: it is only kept for the same host, port and TLS mode."  # noqa: S105 - a sentence


@transaction.atomic
def create(
    organization: Organization, *, actor: models.Model | None, password: str, **columns: Any
) -> Target:
    target = Target(organization=organization, secrets={"password": password}, **columns)
    target.save()
    record_target_change("target.created", target, actor, address=target.address)
    return target


@transaction.atomic
def update(
    target: Target, *, actor: models.Model | None, password: str = "", **columns: Any
) -> None:
    """Change what differs; no password keeps the one that is set, on the same server.

    Raises `ValidationError` where it would go elsewhere.
    """
    changed = sorted(n for n, value in columns.items() if value != getattr(target, n))
    if not password and set(changed) & set(SAME_SERVER):
        raise ValidationError({"password": PASSWORD_AGAIN})
    for name in changed:
        setattr(target, name, columns[name])
    if password:
        target.secrets, target.secrets_changed_at = {"password": password}, clock.now()
        changed.append("password")
    if changed:
        target.check_due_at = clock.now()
        target.save()
        record_target_change("target.changed", target, actor, changed=changed)


@transaction.atomic
def delete(target: Target, *, actor: models.Model | None) -> None:
    """Forget it. Raises `InUse` while consumers write to it."""
    refuse_if_used(target)
    record_target_change("target.deleted", target, actor, address=target.address)
    target.delete()


def verify(target: Target, *, actor: models.Model | None) -> Outcome:
    """Connect now, and keep what came of it, unless the target was changed in the meantime.

    Audited when `actor` asked.
    """
    outcome = postgres.try_out(target)
    with transaction.atomic():
        as_tried = Target.objects.filter(pk=target.pk, updated_at=target.updated_at)
        if not as_tried.select_for_update(no_key=True).exists():
            return outcome
        changed = record_checks(target, {CHECK: outcome})
        target.checked_at = now = clock.now()
        # With jitter, so that a fleet of targets is not tested in step.
        target.check_due_at = now + AGAIN_EVERY * random.uniform(0.8, 1.2)  # noqa: S311
        target.save(update_fields=["checked_at", "check_due_at"])
        if actor:
            record_target_change(
                "target.tested", target, actor, verdict=outcome.verdict.value, code=outcome.code
            )
    propagate(changed)
    return outcome


def claim_due(room: int) -> Sequence[Target]:
    """Up to `room` targets whose time has come, each ours for as long as `CLAIM`."""
    with transaction.atomic():
        due = Target.objects.filter(check_due_at__lte=clock.now()).order_by("check_due_at")
        rows = list(due.select_for_update(skip_locked=True, no_key=True)[:room])
        own = Target.objects.filter(pk__in=[row.pk for row in rows])
        own.update(check_due_at=clock.now() + CLAIM)
    return rows


def verify_claimed(target: Target) -> Outcome:
    return verify(target, actor=None)


def record_target_change(
    action: str, target: Target, actor: models.Model | None, **details: Any
) -> None:
    organization_id = target.organization_id
    record_change(action, actor=actor, target=target, organization_id=organization_id, **details)
