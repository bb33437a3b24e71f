"""Schemas of /v1/syncs/runs."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from sequin_admin.api.framework.columns import Made, RowShape
from sequin_admin.api.framework.schemas import OneOf, Shape, Timestamp
from sequin_admin.syncs.models import DeleteMethod, Run, RunStatus
from sequin_admin.syncs.runs.log_lines import MOST_LINES
from sequin_admin.syncs.runs.worker_requests import RequestKind

COLLECTION = "stripe:customer"
Deletes = Annotated[str, OneOf(*DeleteMethod.values)]
Status = Annotated[str, OneOf(*RunStatus.values)]


class RunError(Shape):
    """What stopped a run, and who must act."""

    owner: Literal["customer", "operator", "nobody"]
    code: str = Field(examples=["missing_permission"])
    message: str = Field(examples=["Stripe does not let this key read invoices."])
    of: Literal["source", "target"] = Field(description="On which side it is.")


class RunCollection(Shape):
    """The progress of one collection in a run."""

    collection_id: str = Field(examples=[COLLECTION])
    generation: int = Field(examples=[1])
    rows_read: int
    rows_written: int
    rows_deleted: int
    lag_s: float | None
    deletes: Deletes = Field(description="How rows that were deleted at the source are found.")
    full_pass: bool = Field(description="Whether all rows are read, not only the changed ones.")
    completed_at: Timestamp | None


class AskedOfWorker(Shape):
    """What the worker should do: see the answer to a report."""

    kind: Annotated[str, OneOf(*RequestKind.values)] = Field(examples=["pause"])
    collection_id: str | None = Field(default=None, examples=[COLLECTION])
    generation: int | None = Field(default=None, description="Of `resync`: the new one.")
    swap_from: int | None = Field(
        default=None, description="Of `resync`: the one that readers see until it is completed."
    )


class RunShape(Shape):
    """One run of a sync for a consumer. A report without a run has no consumer."""

    id: UUID
    sync_id: UUID
    sync_name: str
    consumer_id: UUID | None
    credential_id: UUID
    target_id: UUID | None
    provider: str
    kind: str
    fence: int
    status: Status
    started_at: Timestamp
    last_report_at: Timestamp | None
    lease_until: Timestamp | None
    ended_at: Timestamp | None
    rows_read: int
    rows_written: int
    rows_deleted: int
    lag_s: float | None
    waiting: str | None = Field(description="permit, target or source; null when it works.")
    error: RunError | None
    requests: list[AskedOfWorker]
    collections: list[RunCollection]


class LogLine(Shape):
    """A line of a run's log, without the secrets that we know."""

    at: Timestamp
    line: str


class RunDetail(RunShape):
    """A run with the last lines of its log."""

    log: list[LogLine] = Field(description=f"The last {MOST_LINES}.")


class RunList(Shape):
    """A page of runs."""

    data: list[RunShape]
    next_cursor: str | None


class HeldCollectionShape(Shape):
    """A collection to read. `cursor` is as it was reported last."""

    collection_id: str = Field(examples=[COLLECTION])
    name: str
    cursor: JsonValue = Field(description="Null: from the beginning.", examples=[None])
    generation: int = Field(examples=[1])
    swap_from: int | None = Field(
        description="Where a resync fills `generation` beside it: what readers see until you have "
        "reported that the collection is completed, and swapped both in one transaction."
    )


class ClaimedRunShape(Shape):
    """The run that you hold now; null when none is due."""

    run: RunShape | None
    collections: list[HeldCollectionShape]


class RunAnswer(Shape):
    """Until when the run is yours without another report, and what you should do."""

    lease_until: Timestamp | None = Field(description="Null once the run has ended.")
    requests: list[AskedOfWorker]


class RunTarget(Shape):
    """How to connect to the run's target. `hostaddr` is the address that we have checked: connect
    to it, with `host` for the certificate."""

    host: str = Field(examples=["db.arrakis.example"])
    hostaddr: str = Field(examples=["203.0.113.7"])
    port: int = Field(examples=[5432])
    database: str = Field(examples=["warehouse"])
    username: str = Field(examples=["sequin"])
    password: str = Field(examples=["spice-must-flow"])
    ssl_mode: str = Field(examples=["verify-full"])
    ssl_root_cert: str | None = Field(description="PEM. Null: the authorities of your system.")
    schema_name: str = Field(alias="schema", description="Empty: the user's search path.")


class PairSchedule(Shape):
    """When the next run for a consumer is due, or why none is."""

    consumer_id: UUID
    state: Literal["running", "due", "scheduled", "paused", "stopped", "blocked", "disabled"]
    reason: str = Field(description="Why no run starts, and whose move it is.")
    due_at: Timestamp | None
    failures: int = Field(description="In a row.")
    last_succeeded_at: Timestamp | None


class SyncSchedule(Shape):
    """The next runs of a sync, one for each of its consumers."""

    sync_id: UUID
    paused: bool
    data: list[PairSchedule]


PROGRESS = tuple(RunCollection.model_fields)
ERROR = tuple(RunError.model_fields)
ASKED = tuple(AskedOfWorker.model_fields)
LINE = tuple(LogLine.model_fields)


def in_order(entries: Iterable[Mapping[str, object]] | None, names: Iterable[str]) -> list[object]:
    """PostgreSQL stores JSON objects in an order of its own."""
    return [{name: entry.get(name) for name in names} for entry in entries or ()]


def asked_out(
    stored: list[dict[str, Any]], status: str, paused_at: datetime | None
) -> list[object]:
    """What was asked of the worker when it reported last, and a pause since then."""
    if status != RunStatus.RUNNING:
        return []
    is_new = paused_at and all(each["kind"] != RequestKind.PAUSE for each in stored)
    return in_order([{"kind": "pause"}, *stored] if is_new else stored, ASKED)


FIELDS: dict[str, Made | RowShape] = {
    "sync_name": Made(lambda name: name, ("sync__name",)),
    "credential_id": Made(lambda pk: pk, ("sync__credential_id",)),
    "provider": Made(lambda name: name, ("sync__provider",)),
    "kind": Made(lambda kind: kind, ("sync__credential__kind",)),
    "lease_until": Made(lambda at: at, ("held_until",)),
    "waiting": Made(lambda text: text or None, ("waiting",)),
    "error": Made(lambda error: error and {name: error.get(name) for name in ERROR}, ("error",)),
    "requests": Made(asked_out, ("requests", "status", "sync__paused_at")),
    "collections": Made(lambda entries: in_order(entries, PROGRESS), ("collections",)),
}
RUN = RowShape(RunShape, Run, None, **FIELDS)
RUN_DETAIL = RowShape(
    RunDetail, Run, None, **FIELDS, log=Made(lambda lines: in_order(lines, LINE), ("log",))
)
