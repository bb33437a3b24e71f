"""What the worker does, and how often. Any number of workers may run: the jobs claim their rows."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.management import call_command

from sequin_admin.connect import flow, handovers, links, tokens
from sequin_admin.health import probes

HOUR_S = 3600

Stopped = Callable[[], bool]


@dataclass(frozen=True)
class Job:
    """`run` is called every `every_s` seconds and returns how much it did.

    While one run takes longer than that, others join it, up to `at_once`: a provider that keeps
    us waiting does not hold up the rest. `run` is handed a question to ask between two rows:
    whether the worker is to stop.
    """

    name: str
    every_s: float
    run: Callable[[Stopped], object]
    at_once: int = 1


JOBS = (
    Job("renew tokens", 2, lambda stopped: tokens.refresh_due(stopped=stopped), at_once=4),
    Job("probe credentials", 2, lambda stopped: probes.probe_due(stopped=stopped), at_once=8),
    Job("forget what nobody came for", 60, lambda stopped: handovers.forget()),
    Job("forget old connect links", HOUR_S, lambda stopped: links.prune()),
    Job("forget old connect trips", HOUR_S, lambda stopped: flow.prune()),
    Job("forget old sessions", 24 * HOUR_S, lambda stopped: call_command("clearsessions")),
)
