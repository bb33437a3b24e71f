"""How many calls are under way at each provider, over all processes, and which get no answer.

The leases say who is calling: nothing else is written for a call that is answered. Of an endpoint
whose latest call got no answer there is a row, and until it answers it is tried by one call at a
time.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

from django.db import models
from django.db.models import Exists, ExpressionWrapper, Q

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.turns import queue_parts
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Purpose, SilentEndpoint

# A call that takes longer is likely to end without an answer.
SLOW = timedelta(seconds=5)
# Longer than a trial takes. That of a killed process ends by itself.
TRIAL = timedelta(minutes=1)
# So many silent hosts of one kind are taken for all of them.
MANY_HOSTS = 20
NO_CAP = 1_000_000
KEPT_FOR = timedelta(days=1)
# Of so many endpoints one query asks who depends on them.
ASKED_AT_ONCE = 50


@dataclass(frozen=True)
class Capacity:
    """What all workers can do together: their threads for one job, and which providers are down.

    Without `threads` any number of calls may be under way.
    """

    threads: int | None = None
    down: frozenset[str] = frozenset()

    @property
    def per_provider(self) -> int:
        """How many calls may be under way at one provider: the others keep half of the threads."""
        return max(1, self.threads // 2) if self.threads else NO_CAP

    @property
    def trials(self) -> int:
        """How many calls may be under way at endpoints that don't answer, all of them together."""
        return max(1, self.threads // 5) if self.threads else NO_CAP


@dataclass
class CallRoom:
    """How many more calls may start, by kind.

    `under_way` has the number of calls and of slow ones, by kind. `silent` are the endpoints
    without an answer.
    """

    capacity: Capacity
    silent: Collection[SilentEndpoint]
    under_way: dict[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, slug: str) -> int:
        kind = kinds.find(slug)
        if kind is None:
            return NO_CAP
        slow = self.under_way.get(slug, (0, 0))[1]
        # One slow host of many is one tenant's; when the host is everybody's, it waits.
        most_slow = self.capacity.trials if kind.destination_properties else 1
        if self.is_silent(slug) or (self.capacity.threads and slow >= most_slow):
            return 0
        most = 1 if kind.provider in self.capacity.down else self.capacity.per_provider
        slugs = [each.slug for each in kinds.of_provider(kind.provider)]
        return max(0, most - sum(self.under_way.get(each, (0, 0))[0] for each in slugs))

    def is_silent(self, slug: str) -> bool:
        """Whether no account of the kind is called but for a trial."""
        rows = [each for each in self.silent if each.kind == slug]
        return len(rows) > MANY_HOSTS or any(not each.place for each in rows)

    def take(self, queue: str, share: int, rivals: int) -> int:
        """How many of `share` calls of a queue may start; they count as under way. `rivals` queues,
        this one included, share the room of its kind."""
        slug = queue_parts(queue)[1]
        count = max(0, min(share, ceil(self.of(slug) / rivals)))
        add_calls(self.under_way, queue, count, 0)
        return count

    def closed_queues(self) -> list[str]:
        """The queues of kinds without room, as patterns."""
        # The others have room: nothing is under way there.
        touched = {*self.under_way, *(each.kind for each in self.silent)}
        providers = {kind.provider for slug in touched if (kind := kinds.find(slug))}
        near = (kind for kind in kinds.all() if kind.provider in providers)
        return [f"%:{kind.slug}:%" for kind in near if self.of(kind.slug) <= 0]

    def silent_hosts(self, credential: str = "") -> Q:
        """The rows of single hosts that don't answer. `credential` is the path to it."""
        hosts = [each for each in self.silent if each.place and not self.is_silent(each.kind)]
        found = Q(pk__in=())
        for each in hosts:
            found |= each.accounts(credential)
        return found


def count_calls(leased: models.QuerySet[Any], slow: Q) -> dict[str, tuple[int, int]]:
    """The calls under way and the slow ones among them, by kind. `leased` are their rows."""
    rows = leased.order_by().annotate(slow=as_column(slow)).values_list("queue", "slow")
    found: dict[str, tuple[int, int]] = {}
    for queue, is_slow in rows:
        add_calls(found, queue, 1, int(bool(is_slow)))
    return found


def as_column(condition: Q) -> models.Expression:
    """Whether the condition is true of a row. Rows under way are few, so Python counts them: to
    group them, SQLite would read every queue."""
    return ExpressionWrapper(condition, output_field=models.BooleanField())


def add_calls(found: dict[str, tuple[int, int]], queue: str, calls: int, slow: int) -> None:
    """Add the calls of one queue to those of its kind."""
    slug = queue_parts(queue)[1]
    before = found.get(slug, (0, 0))
    found[slug] = (before[0] + calls, before[1] + slow)


def list_silent(purpose: Purpose) -> list[SilentEndpoint]:
    return list(SilentEndpoint.objects.filter(purpose=purpose).order_by("tried_at"))


def of_credential(purpose: Purpose, credential: Credential) -> models.QuerySet[SilentEndpoint]:
    """The row of the endpoint that is called for a credential; empty when it answers."""
    rows = SilentEndpoint.objects.filter(purpose=purpose, kind=credential.kind)
    return rows.filter(destination=credential.destination)


def record_call(purpose: Purpose, credential: Credential, *, answered: bool) -> None:
    """Record whether a call that has ended got an answer, whatever it was."""
    rows = of_credential(purpose, credential)
    if answered:
        # Read first: most calls are answered, and have nothing to write.
        if rows.exists():
            rows.delete()
        return
    tried: dict[str, Any] = {"tried_at": clock.now(), "trial_until": None}
    # It is there when it was silent before, and others write it at the same time.
    if rows.update(**tried):
        return
    place = {name: credential.properties.get(name) for name in credential.destination_properties}
    SilentEndpoint.objects.update_or_create(
        purpose=purpose,
        kind=credential.kind,
        destination=credential.destination,
        defaults=tried,
        create_defaults={**tried, "place": place},
    )


def is_tried(endpoint: SilentEndpoint) -> bool:
    """Whether a call to it is under way."""
    return endpoint.trial_until is not None and endpoint.trial_until > clock.now()


def start_trial(endpoint: SilentEndpoint) -> bool:
    """Begin the one call that a silent endpoint gets at a time. False while another has it."""
    rows = SilentEndpoint.objects.filter(pk=endpoint.pk)
    free = rows.filter(Q(trial_until=None) | Q(trial_until__lte=DatabaseTime()))
    return bool(free.update(trial_until=DatabaseTime(TRIAL, stored=True)))


def due_trials(silent: Iterable[SilentEndpoint], capacity: Capacity) -> list[SilentEndpoint]:
    """The endpoints that may be tried now, the one that was tried longest ago first."""
    silent = list(silent)
    free = [each for each in silent if not is_tried(each)]
    return free[: max(0, capacity.trials - (len(silent) - len(free)))]


def silent_for(organization: Organization) -> list[SilentEndpoint]:
    """The silent endpoints that accounts of the organization depend on, the oldest first.

    A host may be a customer's: nobody else may read of it.
    """
    own, found = Credential.objects.of(organization).active(), list[SilentEndpoint]()
    rows = list(SilentEndpoint.objects.order_by("since"))
    for start in range(0, len(rows), ASKED_AT_ONCE):
        some = rows[start : start + ASKED_AT_ONCE]
        asked = {f"row_{each.pk}": Exists(own.filter(each.accounts())) for each in some}
        depends = Organization.objects.filter(pk=organization.pk).values(**asked).get().values()
        found += [each for each, does in zip(some, depends, strict=True) if does]
    return found


def prune() -> int:
    """Delete what nobody has tried for long, as no credential is left. Returns how many rows."""
    return SilentEndpoint.objects.filter(tried_at__lt=clock.now() - KEPT_FOR).delete()[0]
