"""What the worker does, and how often. Any number of workers may run: the jobs claim their rows."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.management import call_command

from sequin_admin.connect import flow, tokens
from sequin_admin.health import probes

HOUR_S = 3600


@dataclass(frozen=True)
class Job:
    """`run` is called every `every_s` seconds, never twice at once in one worker."""

    name: str
    every_s: float
    run: Callable[[], object]


JOBS = (
    Job("renew tokens", 2, tokens.refresh_due),
    Job("probe credentials", 2, probes.probe_due),
    Job("forget old connect trips", HOUR_S, flow.prune),
    Job("forget old sessions", 24 * HOUR_S, lambda: call_command("clearsessions")),
)
