"""The open causes by who must act, the largest first."""

from typing import Any

from sequin_admin.access.models import Organization
from sequin_admin.dashboard.cause_lines import build_lines
from sequin_admin.dashboard.overview.counts import count_parties
from sequin_admin.health import fleet
from sequin_admin.health.status import Status

SHOWN = 8


def list_queues(organization: Organization) -> dict[str, Any]:
    """With the counts of all. One query for the causes, and one for those of a single incident."""
    lines = build_lines(fleet.largest_causes(organization, SHOWN))
    return {
        "parties": count_parties(line.cause for line in lines),
        "outages": [line for line in lines if not line.cause.status],
        "ours": [line for line in lines if line.cause.status == Status.SEQUIN],
        "theirs": [line for line in lines if line.cause.status == Status.CUSTOMER],
        "shown": SHOWN,
    }
