"""Counts, after a chaos run, which refresh tokens still work and which errors were wrong."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from sequin_admin.tools.simulator import SimulatorControl

TRIES = 6


@dataclass
class Count:
    """Counts of one kind after the run.

    `lost` are refresh tokens that could have been kept. Those that could not are `inevitable`: the
    response was lost, and the provider has no grace period.
    """

    kind: str
    credentials: int = 0
    provider_calls: int = 0
    replays: int = 0
    reuse_detections: int = 0
    lost: int = 0
    inevitable: int = 0
    expired_reads: int = 0
    wrong_verdicts: int = 0
    reads: int = 0
    retried_reads: int = 0

    @property
    def bad(self) -> bool:
        """Whether anything went wrong that was avoidable. Without a grace period a detected reuse
        is not: it revokes valid access tokens."""
        has_grace = bool(kinds.get(self.kind).oauth.grace_s)
        avoidable = (self.reuse_detections, self.expired_reads) if has_grace else ()
        return any((self.lost, self.wrong_verdicts, *avoidable))


def count(slugs: Iterable[str], seen: Counter[tuple[str, str]]) -> list[Count]:
    """Counts of all kinds. Call it when the simulator's faults are cleared."""
    simulator = SimulatorControl(settings.SIMULATOR_URL)
    return [count_kind(slug, seen, simulator) for slug in slugs]


def count_kind(slug: str, seen: Counter[tuple[str, str]], simulator: SimulatorControl) -> Count:
    kind = kinds.get(slug)
    results = {result: number for (kind, result), number in seen.items() if kind == slug}
    customer_errors = Counter(
        {s.partition(":")[2]: n for s, n in results.items() if s.startswith("customer")}
    )
    result = Count(
        slug,
        provider_calls=simulator.token_calls(kind.provider),
        reads=sum(results.values()),
        expired_reads=results.get("expired", 0),
        retried_reads=sum(n for s, n in results.items() if s.startswith(("transient", "database"))),
        # Without a grace period a lost response ends the grant: `answer_lost` is then correct.
        wrong_verdicts=customer_errors.total()
        - (0 if kind.oauth.grace_s else customer_errors["answer_lost"]),
    )
    for credential in kind.objects.select_related("oauth_app"):
        result.credentials += 1
        check_credential(credential, result)
    for grant in simulator.grants(kind.provider).values():
        result.replays += grant["replays"]
        result.reuse_detections += grant["reuses"]
    return result


def check_credential(credential: Credential, result: Count) -> None:
    """Renew once more, and count the credential as lost or inevitable when that fails."""
    outcome = try_renewal(credential)
    if outcome is None:
        return
    if outcome.code == "answer_lost" and not type(credential).oauth.grace_s:  # type: ignore[union-attr]
        result.inevitable += 1
    else:
        result.lost += 1


def try_renewal(credential: Credential) -> Outcome | None:
    """Renew, with retries. None when it worked, else the last outcome."""
    outcome = None
    for _ in range(TRIES):
        Token.objects.filter(credential=credential).update(next_try_at=None)
        try:
            renewal.refresh(credential, force=True)
        except Refused as refusal:
            outcome = refusal.outcome
            if outcome.verdict is not Verdict.TRANSIENT:
                return outcome
        else:
            return None
    return outcome


def as_json(counts: list[Count]) -> list[dict[str, Any]]:
    return [asdict(row) for row in counts]
