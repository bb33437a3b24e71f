"""Turns: organizations take turns when rows are claimed, so that none waits behind another's.

A row waits in a queue, which its column `queue` names: the organization, then what else decides
whether the row may be claimed, such as kind and OAuth app. With an index on `queue` and the due
time, a claim looks at the first rows of a few queues, however many rows are due in all.
"""

import itertools
import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import ceil
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import F, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, Concat, Replace

QUEUE_CHARS = 120
# How many queues are looked at in a claim.
LISTED = 64
# Stands for the name of a queue until a query has been compiled.
ANY_QUEUE = "any queue"
# Whose last turn is known: more than are due at once.
REMEMBERED = 10_000
UUID_CHARS = 32

Row = TypeVar("Row", bound=models.Model)
Claimed = TypeVar("Claimed")


def queue_name(organization_id: uuid.UUID, *rest: str | uuid.UUID | None) -> str:
    """The queue's name as `queue_expression()` builds it."""
    parts = [p.hex if isinstance(p, uuid.UUID) else p or "" for p in (organization_id, *rest)]
    return ":".join(parts)


def queue_parts(queue: str) -> list[str]:
    """The three parts of the name of a queue of tokens or credentials, as text."""
    return [*queue.split(":"), "", "", ""][:3]


def queue_expression(*columns: str) -> Concat:
    """The name of a row's queue, of columns that hold UUIDs or text, as SQL."""
    text = models.TextField()
    empty, colon, dash = (Value(each, output_field=text) for each in ("", ":", "-"))
    parts: list[Any] = []
    for column in columns:
        parts += [colon, Coalesce(Replace(Cast(F(column), text), dash, empty), empty)]
    return Concat(*parts[1:])


class Turns:
    """One process's turns through the queues of a model's rows: who was served longest ago is next.

    `waiting` is the condition, in SQL, of the model's partial index on `queue`.
    """

    def __init__(self, waiting: str = "") -> None:
        self.waiting = waiting
        # The queue looked at last, as at most `LISTED` are looked at in one claim. Processes begin
        # at different ones.
        self.after = uuid.uuid4().hex
        # When each queue was served last: a count that goes up. The first are from longest ago.
        self.served: dict[str, int] = {}
        self.count = itertools.count(1)

    def claim(
        self,
        due: models.QuerySet[Any],
        room: int,
        take: Callable[[Sequence[str], int], list[Claimed]],
        closed: Iterable[str] = (),
    ) -> list[Claimed]:
        """Up to `room` rows, of as many organizations as have due ones.

        `take(queues, room)` claims up to `room` rows of these queues, which `share_out()` gives
        their shares. `closed` are patterns, as of LIKE, of queues that are left out.
        """
        claimed = list[Claimed]()
        for turn in self.order(self.list_next(due, closed)):
            while turn and len(claimed) < room:
                left = room - len(claimed)
                claimed += take(turn[:left], left)
                turn = turn[left:]
        return claimed

    def share_out(
        self,
        queues: Sequence[str],
        room: int,
        allow: Callable[[str, int, int], int] = lambda queue, share, rivals: share,
    ) -> dict[str, int]:
        """How many rows each queue may give, so that they share `room` evenly.

        `allow(queue, share, rivals)` says how many of its share may be claimed. `rivals` is how
        many queues of its kind have no share yet, this one included. A queue that may give none
        keeps its turn.
        """
        shares, kinds = dict[str, int](), [queue_parts(queue)[1] for queue in queues]
        for at, queue in enumerate(queues):
            share = ceil((room - sum(shares.values())) / (len(queues) - at))
            shares[queue] = max(0, allow(queue, share, kinds[at:].count(kinds[at])))
            if shares[queue]:
                self.record(queue)
        return shares

    def record(self, queue: str) -> None:
        """Put the queue behind all others."""
        self.served.pop(queue, None)
        self.served[queue] = next(self.count)
        if len(self.served) > REMEMBERED:
            del self.served[next(iter(self.served))]

    def order(self, queues: Iterable[str]) -> Iterator[list[str]]:
        """One queue of each organization, then a second of those that have several, and so on."""
        waiting = list(queues)
        random.shuffle(waiting)
        waiting.sort(key=lambda queue: self.served.get(queue, 0))
        by_organization: dict[str, list[str]] = {}
        for queue in waiting:
            by_organization.setdefault(queue[:UUID_CHARS], []).append(queue)
        for turn in zip_longest(*by_organization.values()):
            yield sorted(filter(None, turn), key=waiting.index)

    def list_next(self, due: models.QuerySet[Row], closed: Iterable[str]) -> list[str]:
        """The next queues that have due rows, the first ones again after the last."""
        listed = self.list_due(due, closed, self.after)
        if self.after and len(listed) < LISTED:
            first = self.list_due(due, closed, "")
            listed += [queue for queue in first if queue not in listed][: LISTED - len(listed)]
        # Fewer are all of them.
        self.after = listed[-1] if len(listed) == LISTED else ""
        return listed

    def list_due(self, due: models.QuerySet[Row], closed: Iterable[str], after: str) -> list[str]:
        """The next queues that have due rows, in their order.

        From one queue to the next by the index, which neither database does for a DISTINCT:
        https://wiki.postgresql.org/wiki/Loose_indexscan
        """
        table = connection.ops.quote_name(due.model._meta.db_table)
        where = f"{self.waiting} AND" if self.waiting else ""
        first = of_queue(due, RawSQL("listed.queue", ())).values("pk")[:1]
        due_sql, due_params = first.query.sql_with_params()
        patterns = list(closed)
        is_open = " AND listed.queue NOT LIKE %s" * len(patterns)
        sql = f"""
            WITH RECURSIVE listed(queue) AS (
                SELECT MIN(queue) FROM {table} WHERE {where} queue > %s
                UNION ALL
                SELECT (SELECT MIN(queue) FROM {table} WHERE {where} queue > listed.queue)
                FROM listed WHERE listed.queue IS NOT NULL
            )
            SELECT queue FROM listed
            WHERE queue IS NOT NULL{is_open} AND ({due_sql}) IS NOT NULL LIMIT %s
        """  # noqa: S608 - names of our own tables and columns
        with connection.cursor() as cursor:
            cursor.execute(sql, [after, *patterns, *due_params, LISTED])
            return [queue for (queue,) in cursor.fetchall()]


def of_queue(due: models.QuerySet[Row], queue: str | RawSQL) -> models.QuerySet[Row]:
    """The due rows of a queue in their order, which the index on queue and due time has.

    PostgreSQL might take an index on the due time alone for an equal queue, and read past the rows
    of all others. SQLite would read a range of queues to its end.
    """
    if connection.vendor != "postgresql":
        return due.filter(queue=queue)
    rows = due.filter(queue__gte=queue, queue__lte=queue)
    return rows.order_by("queue", *due.query.order_by)


def lock_shares(due: models.QuerySet[Row], shares: Mapping[str, int]) -> list[Row]:
    """Lock the first rows of each queue, as many as its share, and load them by one query.

    Rows locked by another process are skipped. Most of what a query costs is making its text and
    the plan for it: both are made once for all queues of a share, on SQLite the text.
    """
    by_share = dict[int, list[str]]()
    for queue, share in shares.items():
        by_share.setdefault(share, []).append(queue)
    by_share.pop(0, None)
    at_once = connection.vendor == "postgresql"
    selects, params = list[str](), list[Any]()
    for share, queues in by_share.items():
        rows = of_queue(due, RawSQL("listed.queue", ()) if at_once else ANY_QUEUE)
        locked = rows.select_for_update(skip_locked=True, of=("self",), no_key=True)[:share]
        sql, values = locked.query.sql_with_params()
        if at_once:
            listed = "unnest(%s::text[]) AS listed(queue)"
            selects.append(f"SELECT due.* FROM {listed}, LATERAL ({sql}) AS due")  # noqa: S608
            params += [queues, *values]
            continue
        for queue in queues:
            selects.append(f"SELECT * FROM ({sql}) AS of_queue_{len(selects)}")  # noqa: S608
            params += [queue if value == ANY_QUEUE else value for value in values]
    if not selects:
        return []
    return list(due.model._base_manager.raw(" UNION ALL ".join(selects), params))
