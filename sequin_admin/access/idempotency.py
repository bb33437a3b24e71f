"""Requests with an Idempotency-Key run once, however often they are sent.

The key is claimed before the request runs and the response is stored after it. A process that is
killed in between leaves a claim without a response: the result is unknown, and the request is not
run again.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import models

from sequin_admin.access.models import ApiKey, IdempotencyRecord
from sequin_admin.core import clock, pruning
from sequin_admin.core.digests import secret_key_digests

KEPT_FOR = timedelta(hours=24)
# Longer than any request takes: after it, the process that claimed the key counts as killed.
LONGEST_REQUEST = timedelta(minutes=5)
RETRY_AFTER_S = 2
# From this status on the server is at fault.
FAILED = 500
# Longest stored response. That of a bulk import of 1,000 has a tenth of this.
MOST_CHARS = 1_000_000
CHECK_RESULT = (
    "Look whether what you asked for is there; if not, send it with a new Idempotency-Key."
)


class NotRepeatable(Exception):
    """The request can't run with this key, at least not now. `str()` says why and what to do.

    `retry_after_s` is set when the first request with the key is still running.
    """

    def __init__(self, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


def fingerprints(*parts: bytes) -> list[str]:
    """Keyed hashes of the request, one for each key: a plain hash would let somebody guess short
    secrets in it."""
    return secret_key_digests("idempotency", b"\n".join(parts))


def claim(
    api_key: ApiKey, name: str, request_fingerprints: Sequence[str]
) -> tuple[IdempotencyRecord, bool]:
    """The key's record, and whether the request must run: False when it has a response.

    Raises `NotRepeatable`.
    """
    old_records().filter(api_key=api_key, name=name).delete()
    record, created = IdempotencyRecord.objects.get_or_create(
        api_key=api_key,
        name=name,
        defaults={
            "organization_id": api_key.organization_id,
            "fingerprint": request_fingerprints[0],
            "created_at": clock.now(),
        },
    )
    if not created:
        refuse_unless_answered(record, request_fingerprints)
    return record, created


def refuse_unless_answered(record: IdempotencyRecord, request_fingerprints: Sequence[str]) -> None:
    """Raises `NotRepeatable` unless the same request was answered and its response is stored."""
    if record.fingerprint not in request_fingerprints:
        raise NotRepeatable(
            "This Idempotency-Key came with another request in the last 24 hours: method, address, "
            "body and the API key's scopes must be the same. Nothing was done. Send a new key "
            "with each new request."
        )
    if record.status is None and clock.now() - record.created_at < LONGEST_REQUEST:
        raise NotRepeatable(
            "The request with this Idempotency-Key is still under way. Ask again in a moment.",
            retry_after_s=RETRY_AFTER_S,
        )
    if record.status is None:
        raise NotRepeatable(
            "The request with this Idempotency-Key was cut off, and how far it came is not known. "
            f"It was not done again. {CHECK_RESULT}"
        )
    if record.status is not None and record.status >= FAILED:
        raise NotRepeatable(
            "The request with this Idempotency-Key failed here, and how far it came is not known. "
            f"It was not done again. {CHECK_RESULT}"
        )
    if not record.answer:
        raise NotRepeatable(
            "The request with this Idempotency-Key was done, but its answer was too long to keep. "
            f"It was not done again. {CHECK_RESULT}"
        )


def store_response(
    record: IdempotencyRecord, status: int, headers: Mapping[str, str], body: str
) -> None:
    """Store the response, which repeated requests get for the next 24 hours."""
    record.status = status
    if len(body) <= MOST_CHARS:
        record.answer = {"headers": dict(headers), "body": body}
    record.save(update_fields=["status", "answer"])


def record_failure(record: IdempotencyRecord, status: int) -> None:
    """Keep the key of a request that failed here: its work may be done."""
    record.status = status
    record.save(update_fields=["status"])


def release_claim(record: IdempotencyRecord) -> None:
    """Free the key of a refused request, so that a corrected request may use it."""
    IdempotencyRecord.objects.filter(pk=record.pk, status=None).delete()


def old_records() -> models.QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(created_at__lte=clock.now() - KEPT_FOR)


def prune_records() -> int:
    """Delete records older than `KEPT_FOR`. Returns how many."""
    return pruning.prune(old_records(), by="created_at")
