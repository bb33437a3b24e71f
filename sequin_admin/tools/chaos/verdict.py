"""After a chaos run: whose refresh token still works, and was anybody blamed wrongly."""

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
    """One kind after the run. `lost` is what the provider's rules allowed to keep; what they
    did not, a killed or lost answer without a grace time, is `inevitable`."""

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
        """Without a grace time a detected reuse ends access tokens that we take for living."""
        has_grace = bool(kinds.get(self.kind).oauth.grace_s)
        avoidable = (self.reuse_detections, self.expired_reads) if has_grace else ()
        return any((self.lost, self.wrong_verdicts, *avoidable))


def count(slugs: Iterable[str], seen: Counter[tuple[str, str]]) -> list[Count]:
    """Count all, once the simulator is calm again."""
    simulator = SimulatorControl(settings.SIMULATOR_URL)
    return [count_kind(slug, seen, simulator) for slug in slugs]


def count_kind(slug: str, seen: Counter[tuple[str, str]], simulator: SimulatorControl) -> Count:
    kind = kinds.get(slug)
    sights = {sight: number for (whose, sight), number in seen.items() if whose == slug}
    blamed = Counter(
        {s.partition(":")[2]: n for s, n in sights.items() if s.startswith("customer")}
    )
    result = Count(
        slug,
        provider_calls=simulator.token_calls(kind.provider),
        reads=sum(sights.values()),
        expired_reads=sights.get("expired", 0),
        retried_reads=sum(n for s, n in sights.items() if s.startswith(("transient", "database"))),
        # Without a grace time a lost answer is the end, if it is told as that.
        wrong_verdicts=blamed.total() - (0 if kind.oauth.grace_s else blamed["answer_lost"]),
    )
    for credential in kind.objects.select_related("oauth_app"):
        result.credentials += 1
        judge(credential, result)
    for grant in simulator.grants(kind.provider).values():
        result.replays += grant["replays"]
        result.reuse_detections += grant["reuses"]
    return result


def judge(credential: Credential, result: Count) -> None:
    """Renew once more. What can't be renewed now is lost."""
    outcome = renewed(credential)
    if outcome is None:
        return
    if outcome.code == "answer_lost" and not type(credential).oauth.grace_s:  # type: ignore[union-attr]
        result.inevitable += 1
    else:
        result.lost += 1


def renewed(credential: Credential) -> Outcome | None:
    """None when a fresh token came, else why not."""
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
