"""Bodies of requests to /v1/syncs/runs."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from sequin_admin.api.framework.schemas import Body, OneOf
from sequin_admin.api.syncs.run_schemas import COLLECTION, Deletes
from sequin_admin.api.syncs.schemas import Trouble
from sequin_admin.syncs.models import DeleteMethod, RunWait
from sequin_admin.syncs.runs.log_lines import MOST_LINES
from sequin_admin.syncs.runs.progress import MOST_ROWS, CollectionReport

MOST_COLLECTIONS = 1000
# A line is cut long before.
LONGEST_LINE = 10_000
Rows = Annotated[int, Field(ge=0, le=MOST_ROWS)]
Lag = Annotated[float, Field(ge=0, le=10**9)]
Fence = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RunClaim(Body):
    """Which runs you take, and how long you wait for one."""

    examples = {"any": {}, "of a provider": {"providers": ["stripe"], "wait_s": 20}}

    sync_ids: list[UUID] = Field(default=[], max_length=1000, description="None: all.")
    consumer_ids: list[UUID] = Field(default=[], max_length=1000, description="None: all.")
    providers: list[str] = Field(default=[], max_length=100, description="None: all.")
    wait_s: float = Field(
        default=0, ge=0, le=20, description="How long to wait until one is due. May end sooner."
    )
    lease_s: int = Field(
        default=60,
        ge=10,
        le=600,
        description="A run without a report for so long is lost, and another may begin.",
    )


class SentCollection(Body):
    """What you have done for one collection since your last report."""

    collection_id: str = Field(min_length=1, max_length=300, examples=[COLLECTION])
    generation: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Left out: that of your last report."
    )
    cursor: JsonValue = Field(
        default=None,
        description="Where the next run begins, at most 16 kB of JSON. Left out: unchanged.",
        examples=[{"created": 1764100000}],
    )
    rows_read: Rows = 0
    rows_written: Rows = 0
    rows_deleted: Rows = 0
    lag_s: Lag | None = Field(default=None, description="How far behind the source it is.")
    deletes: Deletes | None = Field(default=None, description="How you find deleted rows.")
    full_pass: bool | None = Field(default=None, description="All rows are read, not only changes.")
    rows_seen: Rows | None = Field(
        default=None, description="How many rows a full pass has seen, once it is at its end."
    )
    rows_to_delete: Rows | None = Field(
        default=None,
        description="How many rows your sweep, or your swap of a new generation, would delete. The "
        "answer may hold them.",
    )
    completed: bool = Field(default=False, description="All that there was is read and written.")

    def as_report(self) -> CollectionReport:
        sent = self.model_dump()
        sent["deletes"] = DeleteMethod(self.deletes) if self.deletes else None
        return CollectionReport(**sent, has_cursor="cursor" in self.model_fields_set)


class RunTrouble(Trouble):
    """What stopped the run, and on which side it is."""

    of: Literal["source", "target"] = "source"


class RunReportBody(Body):
    """A report of your run. One without changes is a heartbeat."""

    examples = {
        "heartbeat": {"fence": 1},
        "progress": {
            "fence": 1,
            "collections": [
                {"collection_id": COLLECTION, "cursor": {"created": 1764100000}, "rows_read": 100}
            ],
            "log": ["Page 12 of customers."],
        },
        "the target is away": {
            "fence": 1,
            "status": "failed",
            "error": {
                "owner": "operator",
                "code": "connection_refused",
                "message": "The database refuses the connection.",
                "of": "target",
            },
        },
    }

    fence: Fence = Field(description="Of the run, as you claimed it.")
    status: Literal["running", "succeeded", "failed", "cancelled"] = "running"
    collections: list[SentCollection] = Field(default=[], max_length=MOST_COLLECTIONS)
    waiting: Annotated[str, OneOf(*RunWait.values)] | None = Field(
        default=None, description="What you wait for just now."
    )
    log: list[Annotated[str, Field(max_length=LONGEST_LINE)]] = Field(
        default=[],
        max_length=MOST_LINES,
        description="Lines for people. Secrets that we know are taken out; leave records out.",
    )
    error: RunTrouble | None = None


class ResyncBody(Body):
    """Which collection is read again."""

    examples = {"customers": {"collection_id": COLLECTION}}

    collection_id: str = Field(min_length=1, max_length=300)


class ConfirmBody(Body):
    """Whose deletes may be done."""

    examples = {"all that wait": {}}

    collection_id: str = Field(default="", max_length=300, description="Empty: all that wait.")
