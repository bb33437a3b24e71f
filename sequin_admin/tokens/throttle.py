"""Limits how many renewals the workers start per second: per OAuth app and per provider.

Started renewals are counted in the token table, so those that a reader starts count too, although
they are never delayed.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from math import ceil

from django.db import connection
from django.db.models import Q

from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.leases import leased
from sequin_admin.core.turns import queue_parts
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import RefreshPace
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.tokens import endpoints
from sequin_admin.tokens.endpoints import SLOW
from sequin_admin.tokens.models import RefreshThrottleLock, Token

SECOND = timedelta(seconds=1)


class RefreshThrottle:
    """Renewals started in the last second, by queue, provider and OAuth app.

    `paces` are the apps' own limits, 0 where none is set. `under_way` has the calls under way, as
    in `endpoints.CallRoom`, which one query counts as well.
    """

    def __init__(self) -> None:
        started, slow = Q(tried_at__gt=DatabaseTime(-SECOND)), Q(tried_at__lt=DatabaseTime(-SLOW))
        conditions = {"started": started, "under_way": leased(), "slow": slow}
        columns = {name: endpoints.as_column(each) for name, each in conditions.items()}
        rows = Token.objects.filter(started | leased()).order_by()
        counted = rows.annotate(**columns).values_list("queue", *columns)
        # Compiled once, as it is read twice. SQLite compares with the time of compiling: whoever
        # waited for the lock counts rather too many.
        self.counting = counted.query.sql_with_params()
        own = OAuthApp.objects.filter(renewals_per_second__gt=0)
        self.paces = {app.hex: pace for app, pace in own.values_list("pk", "renewals_per_second")}
        self.count()

    def count(self) -> None:
        """Read from the database what has started, and what is under way."""
        self.queues, self.providers, self.apps = Counter[str](), Counter[str](), Counter[str]()
        self.under_way: dict[str, tuple[int, int]] = {}
        with connection.cursor() as cursor:
            cursor.execute(*self.counting)
            for queue, *row in cursor.fetchall():
                started, under_way, slow = map(bool, row)
                self.start(queue, started)
                endpoints.add_calls(self.under_way, queue, under_way, under_way and slow)

    def lock(self, queues: Iterable[str]) -> None:
        """Count again, with a lock on the providers of these queues until the end of the
        transaction: of each, one worker at a time counts what it may start."""
        known = (kinds.find(queue_parts(queue)[1]) for queue in queues)
        providers = {kind.provider for kind in known if kind}
        rows = RefreshThrottleLock.objects.filter(provider__in=providers)
        # In one order, so that two workers never wait for each other.
        locked = rows.order_by("provider").select_for_update().values_list("pk")
        if len(locked) < len(providers):
            missing = [RefreshThrottleLock(provider=provider) for provider in sorted(providers)]
            RefreshThrottleLock.objects.bulk_create(missing, ignore_conflicts=True)
            list(locked.all())
        self.count()

    def room(self, queue: str, rivals: int = 1) -> int:
        """How many more renewals of a queue may start now, if `rivals` queues, this one included,
        share what is left of the provider's limit."""
        _, slug, app = queue_parts(queue)
        kind = kinds.find(slug)
        if kind is None:
            return 0
        pace: RefreshPace = kind.refresh_pace
        left = ceil((pace.per_provider - self.providers[kind.provider]) / rivals)
        if not app:
            return left
        return min(left, (self.paces.get(app) or pace.per_app) - self.apps[app])

    def start(self, queue: str, count: int = 1) -> None:
        """Count renewals as started."""
        _, slug, app = queue_parts(queue)
        self.queues[queue] += count
        self.apps[app] += count
        if kind := kinds.find(slug):
            self.providers[kind.provider] += count

    def exhausted(self) -> list[str]:
        """The queues whose provider or OAuth app has reached its limit, as patterns."""
        full = [
            kind.slug
            for kind in kinds.all()
            if self.providers[kind.provider] >= kind.refresh_pace.per_provider
        ]
        apps = [queue for queue in self.queues if self.room(queue) <= 0]
        return [*(f"%:{slug}:%" for slug in full), *apps]
