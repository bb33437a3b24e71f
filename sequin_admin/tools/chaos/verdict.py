"""Counts, after a chaos run, which refresh tokens still work and which errors were wrong."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import connection

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.renewal_leases import LEASE
from sequin_admin.tools.chaos.reader import NO_READS, RACED
from sequin_admin.tools.simulator import SimulatorControl

TRIES = 6
AT_ONCE = 8
# Clocks of one machine, read a moment before the lease begins.
LEAST_LEASE = LEASE - timedelta(seconds=1)


@dataclass
class Count:
    """Counts of one kind after the run.

    `lost` are refresh tokens that could have been kept. Those that could not are `inevitable`: the
    provider has no grace period, and its journal says that the response was destroyed or a call
    came late, or the process that had it was killed.

    `raced`, `killed_after_commit` (a process was killed when the provider had used the refresh
    token that it sent) and `taken_over` (a lease whose holder was killed) say whether the run was
    in these states at all, as far as the last attempts tell that the product keeps. `losses` tells
    what is known of each lost one.
    """

    kind: str
    credentials: int = 0
    provider_calls: int = 0
    renewals: int = 0
    replays: int = 0
    reuse_detections: int = 0
    lost: int = 0
    inevitable: int = 0
    expired_reads: int = 0
    wrong_verdicts: int = 0
    reads: int = 0
    retried_reads: int = 0
    raced: int = 0
    killed_after_commit: int = 0
    taken_over: int = 0
    losses: list[str] = field(default_factory=list)

    @property
    def bad(self) -> bool:
        """Whether anything went wrong that was avoidable. Without a grace period a detected reuse
        is not: it revokes valid access tokens."""
        has_grace = bool(kinds.get_oauth(self.kind).oauth.grace_s)
        avoidable = (self.reuse_detections, self.expired_reads) if has_grace else ()
        return any((self.lost, self.wrong_verdicts, *avoidable))


def count(
    slugs: Iterable[str], seen: Counter[tuple[str, str]], kills: Sequence[datetime]
) -> list[Count]:
    """Counts of all kinds. Call it when the simulator's faults are cleared."""
    simulator = SimulatorControl(settings.SIMULATOR_URL)
    return [count_kind(slug, seen, kills, simulator) for slug in slugs]


def missing_states(counts: Iterable[Count]) -> list[str]:
    """The states that no credential was in: the run proves nothing about them."""
    names = ("raced", "killed_after_commit", "taken_over")
    rows = list(counts)
    return [name for name in names if not sum(getattr(row, name) for row in rows)]


def count_kind(
    slug: str,
    seen: Counter[tuple[str, str]],
    kills: Sequence[datetime],
    simulator: SimulatorControl,
) -> Count:
    kind = kinds.get_oauth(slug)
    results = {result: number for (kind, result), number in seen.items() if kind == slug}
    raced = results.get(RACED, 0)
    customer_errors = Counter(
        {s.partition(":")[2]: n for s, n in results.items() if s.startswith("customer")}
    )
    result = Count(
        slug,
        raced=raced,
        renewals=simulator.token_calls(kind.provider, ok=True) - kind.objects.count(),
        provider_calls=simulator.token_calls(kind.provider),
        reads=sum(n for what, n in results.items() if what not in NO_READS),
        expired_reads=results.get("expired", 0),
        retried_reads=sum(n for s, n in results.items() if s.startswith(("transient", "database"))),
    )
    true_codes: set[str] = set()
    credentials = list(kind.objects.select_related("oauth_app"))
    journals = [journal_of(credential, simulator) for credential in credentials]
    unlucky = [
        count_attempts(credential, grants, kills, result)
        for credential, grants in zip(credentials, journals, strict=True)
    ]
    # Several at a time, as each may wait for the end of a lease.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(renew_in_thread, credentials))
    for facts in zip(credentials, journals, outcomes, unlucky, strict=True):
        true_codes |= check_credential(result, *facts)
    for grant in simulator.grants(kind.provider).values():
        result.replays += grant["replays"]
        result.reuse_detections += grant["reuses"]
    true_verdicts = sum(customer_errors[code] for code in true_codes)
    result.wrong_verdicts = customer_errors.total() - true_verdicts
    return result


def count_attempts(
    credential: Credential, grants: list[dict[str, Any]], kills: Sequence[datetime], result: Count
) -> bool:
    """Count the attempts that were cut off. Returns whether a response was lost."""
    attempts = Token.objects.get(pk=credential.pk).journal
    cut_off = cut_off_attempts(attempts)
    killed = killed_attempts(cut_off, kills)
    result.credentials += 1
    result.taken_over += len(cut_off)
    result.killed_after_commit += count_after_commit(killed, grants)
    # Of two at once nothing is the provider's doing.
    alone = len(cut_off) == sum("ended" not in each for each in attempts)
    return alone and (bool(killed) or is_destroyed(grants) or was_sent_late(grants))


def check_credential(
    result: Count,
    credential: Credential,
    grants: list[dict[str, Any]],
    outcome: Outcome | None,
    unlucky: bool,
) -> set[str]:
    """Count the credential as lost or inevitable when renewing it once more failed. `unlucky`: a
    response was lost. Returns what its readers may have been told of it."""
    has_grace = bool(kinds.get_oauth(credential.kind).oauth.grace_s)
    true_codes = {"answer_lost"} if unlucky and not has_grace else set[str]()
    if outcome is None:
        return true_codes
    if outcome.code in true_codes:
        result.inevitable += 1
    else:
        result.lost += 1
        result.losses.append(
            f"{outcome.code}: {outcome.message} "
            f"Attempts: {Token.objects.get(pk=credential.pk).journal}. "
            f"At the provider: {redacted(grants)}"
        )
    return true_codes


def cut_off_attempts(journal: list[dict[str, Any]]) -> list[datetime]:
    """When the attempts began that did not end: their process was killed.

    Not those after which another began while their lease must have lasted: no kill explains two at
    once.
    """
    begun = [datetime.fromisoformat(each["at"]) for each in journal]
    lasted = [then - at > LEAST_LEASE for at, then in pairwise(begun)]
    # None at all has no last one.
    attempts = zip(journal, begun, [*lasted, True], strict=False)
    return [at for each, at, alone in attempts if "ended" not in each and alone]


def journal_of(credential: Credential, simulator: SimulatorControl) -> list[dict[str, Any]]:
    """The simulator's journal of the account."""
    account = credential.properties[type(credential).identity_properties[0]]
    return simulator.journal(credential.provider, str(account))


def redacted(grants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the journal says of the last refresh tokens, without them."""
    tokens = [{**token, "value": "***"} for grant in grants for token in grant["refresh_tokens"]]
    return tokens[-3:]


def is_destroyed(grants: list[dict[str, Any]]) -> bool:
    """Whether the response with a newest refresh token reached nobody."""
    chains = [grant["refresh_tokens"] for grant in grants]
    return any(chain and chain[-1]["destroyed"] for chain in chains)


def was_sent_late(grants: list[dict[str, Any]]) -> bool:
    """Whether a grant ended by a call that the simulator came to only after we had given it up."""
    return any(token["abandoned"] for grant in grants for token in grant["refresh_tokens"])


def killed_attempts(
    cut_off: Sequence[datetime], kills: Sequence[datetime]
) -> list[tuple[datetime, datetime]]:
    """When each attempt that did not end began, and when a process was killed next."""
    longest = timedelta(seconds=3 * settings.TOKEN_DEADLINE_S)
    next_kills = ((at, [each for each in kills if at <= each <= at + longest]) for at in cut_off)
    return [(at, min(found)) for at, found in next_kills if found]


def count_after_commit(
    killed: Sequence[tuple[datetime, datetime]], grants: list[dict[str, Any]]
) -> int:
    """How many attempts were killed after the simulator had used a refresh token for them."""
    times = [token["spent_at"] for grant in grants for token in grant["refresh_tokens"]]
    spent = [datetime.fromisoformat(each) for each in times if each]
    return sum(any(at <= each <= end for each in spent) for at, end in killed)


def renew_in_thread(credential: Credential) -> Outcome | None:
    """`try_renewal`, with a connection of its own to the database."""
    try:
        return try_renewal(credential)
    finally:
        connection.close()


def try_renewal(credential: Credential) -> Outcome | None:
    """Renew, with retries and growing pauses, as the simulator may be busy with calls of before.
    None when it worked, else the last outcome."""
    outcome = None
    for attempt in range(TRIES):
        time.sleep(2**attempt if outcome else 0)
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
