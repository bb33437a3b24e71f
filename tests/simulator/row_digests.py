"""Digests of what all collections hold: at many moments, for two hearts, with written rows."""

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

BORN_MS = 1_793_491_200_000
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
DAYS = (-300, 0.01, 1.3)
HEARTS: tuple[list[list[float]], ...] = (
    [[BORN_MS, 90.5], [BORN_MS + 2 * HOUR_MS, 0], [BORN_MS + 3 * HOUR_MS, 700]],
    [[BORN_MS - HOUR_MS, 300], [BORN_MS + 9 * HOUR_MS, 3]],
)
COUNTS = (400, 37)
SOME = 15


def digest_rows() -> dict[str, str]:
    """By provider, of its first account. They follow from the seed and the providers' code alone;
    the database must be a new one."""
    from sequin_admin.simulator import framework
    from sequin_admin.simulator.models import SimulatedAccount, World
    from sequin_admin.simulator.rows.collection import to_datetime

    found = dict[str, str]()
    World.objects.update(seed="caladan", born_at=to_datetime(BORN_MS))
    for slug, provider in framework.all_providers().items():
        account = SimulatedAccount.objects.filter(provider=slug).order_by("pk").first()
        if provider.collections:
            shown = [list(all_rows(account, one)) for one in provider.collections.values()]
            found[slug] = hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]
    return found


def all_rows(account: Any, collection: Any) -> Iterator[object]:
    from sequin_admin.simulator.control.rows import row_json
    from sequin_admin.simulator.models import RowWrite
    from sequin_admin.simulator.rows.living import LivingRows

    for number, kind in ((7, "delete"), (9, "update")):
        known = {"collection": collection.name, "at_ms": BORN_MS + 5_000}
        RowWrite.objects.create(account=account, number=number, kind=kind, **known)
    for beats, count in zip(HEARTS, COUNTS, strict=True):
        account.heart = {"beats": beats, "collections": {collection.name: [count, BORN_MS]}}
        for days in DAYS:
            rows = LivingRows(account, collection, BORN_MS + int(days * DAY_MS))
            yield [rows.count(), rows.end]
            for walk in (
                rows.by_creation(),
                rows.by_creation(newest_first=True, skip=3),
                rows.by_change(BORN_MS),
                rows.by_change(newest_first=True),
                rows.tombstones(),
                rows.rows(range(0, 1_000, 19)),
            ):
                yield [row_json(account, collection, row) for row in islice(walk, SOME)]


if __name__ == "__main__":
    from tests.simulator.hot_calls import start

    start()
    print(json.dumps(digest_rows()))
