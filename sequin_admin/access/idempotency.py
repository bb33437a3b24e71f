"""What is asked for with an Idempotency-Key is done once, however often it is sent.

The key is claimed before anything is done, and the answer is kept after. Whoever is killed in
between leaves a claim without an answer: then nobody knows what became of it, and it is not done
again.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.utils.crypto import salted_hmac

from sequin_admin.access.models import ApiKey, IdempotencyRecord
from sequin_admin.core import clock

KEPT_FOR = timedelta(hours=24)
# Longer than any request takes: after it, whoever claimed the key is taken for dead.
LONGEST = timedelta(minutes=5)
RETRY_AFTER_S = 2
# A bulk import of 1,000 is answered with a tenth of this.
MOST_CHARS = 1_000_000
LOOK = "Look whether what you asked for is there; if not, send it with a new Idempotency-Key."


class NotRepeatable(Exception):
    """It is not done with this key, now or ever. `str()` says why and what to do."""

    def __init__(self, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


def fingerprint(*parts: bytes) -> str:
    """Tells requests apart. Keyed, because what is sent may hold a secret that can be guessed."""
    return salted_hmac("idempotency", b"\n".join(parts), algorithm="sha256").hexdigest()


def claim(api_key: ApiKey, name: str, seen: str) -> tuple[IdempotencyRecord, bool]:
    """The request that is ours to do now (True), or one that was answered before.

    `seen` is its fingerprint. Raises `NotAgain`.
    """
    prune_records(api_key=api_key, name=name)
    known, ours = IdempotencyRecord.objects.get_or_create(
        api_key=api_key, name=name, defaults={"fingerprint": seen, "created_at": clock.now()}
    )
    if not ours:
        refuse_unless_answered(known, seen)
    return known, ours


def refuse_unless_answered(known: IdempotencyRecord, seen: str) -> None:
    """Raises `NotAgain` for anything but the request that was answered, sent again."""
    if known.fingerprint != seen:
        raise NotRepeatable(
            "This Idempotency-Key came with another request in the last 24 hours: method, address, "
            "body and the API key's scopes must be the same. Nothing was done. Send a new key "
            "with each new request."
        )
    if known.status is None and clock.now() - known.created_at < LONGEST:
        raise NotRepeatable(
            "The request with this Idempotency-Key is still under way. Ask again in a moment.",
            retry_after_s=RETRY_AFTER_S,
        )
    if known.status is None:
        raise NotRepeatable(
            "The request with this Idempotency-Key was cut off, and how far it came is not known. "
            f"It was not done again. {LOOK}"
        )
    if not known.answer:
        raise NotRepeatable(
            "The request with this Idempotency-Key was done, but its answer was too long to keep. "
            f"It was not done again. {LOOK}"
        )


def store_response(
    done: IdempotencyRecord, status: int, headers: Mapping[str, str], body: str
) -> None:
    """Whoever sends it again within 24 hours gets this answer."""
    done.status = status
    if len(body) <= MOST_CHARS:
        done.answer = {"headers": dict(headers), "body": body}
    done.save(update_fields=["status", "answer"])


def release_claim(undone: IdempotencyRecord) -> None:
    """It was refused, so the key may be sent with a better request."""
    IdempotencyRecord.objects.filter(pk=undone.pk, status=None).delete()


def prune_records(**which: object) -> int:
    """Drop answers whose time is over. Returns how many."""
    old = IdempotencyRecord.objects.filter(created_at__lte=clock.now() - KEPT_FOR, **which)
    return old.delete()[0]
