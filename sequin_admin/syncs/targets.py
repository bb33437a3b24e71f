"""Operations on targets. All audited."""

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
from sequin_admin.health.checks import record_checks
from sequin_admin.health.rollup import propagate
from sequin_admin.syncs import postgres
from sequin_admin.syncs.models import Target

CHECK = "connection"
CHECK_EVERY = timedelta(minutes=15)
CLAIM = timedelta(minutes=1)
# Changing these without the password would allow sending the stored one to another server.
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
    """Change the given columns that differ; an empty password keeps the stored one.

    Raises `ValidationError` if the stored password would be sent to another server.
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
    """Delete the target. Raises `InUse` while consumers write to it."""
    refuse_if_used(target)
    record_target_change("target.deleted", target, actor, address=target.address)
    target.delete()


def verify(target: Target, *, actor: models.Model | None) -> Outcome:
    """Connect now and record the outcome, unless the target was changed meanwhile.

    Audited with an `actor`.
    """
    outcome = postgres.check_connection(target)
    with transaction.atomic():
        unchanged = Target.objects.filter(pk=target.pk, updated_at=target.updated_at)
        if not unchanged.select_for_update(no_key=True).exists():
            return outcome
        changed = record_checks(target, {CHECK: outcome})
        target.checked_at = now = clock.now()
        # With jitter, so that many targets are not checked in step.
        target.check_due_at = now + CHECK_EVERY * random.uniform(0.8, 1.2)  # noqa: S311
        target.save(update_fields=["checked_at", "check_due_at"])
        if actor:
            record_target_change(
                "target.tested", target, actor, verdict=outcome.verdict.value, code=outcome.code
            )
    propagate(changed)
    return outcome


def claim_due(room: int) -> Sequence[Target]:
    """Claim up to `room` targets that are due, each for the time of `CLAIM`."""
    with transaction.atomic():
        due = Target.objects.filter(check_due_at__lte=clock.now()).order_by("check_due_at")
        rows = list(due.select_for_update(skip_locked=True, no_key=True)[:room])
        claimed = Target.objects.filter(pk__in=[row.pk for row in rows])
        claimed.update(check_due_at=clock.now() + CLAIM)
    return rows


def verify_claimed(target: Target) -> Outcome:
    return verify(target, actor=None)


def record_target_change(
    action: str, target: Target, actor: models.Model | None, **details: Any
) -> None:
    organization_id = target.organization_id
    record_change(action, actor=actor, target=target, organization_id=organization_id, **details)
