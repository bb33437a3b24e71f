"""Schemas of /v1/syncs."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from sequin_admin.api.credentials.examples import METADATA, STRIPE
from sequin_admin.api.credentials.rate_limits import RateLimitShape
from sequin_admin.api.credentials.schemas import (
    CREDENTIAL,
    PROPERTIES,
    CredentialShape,
    ImportedCredential,
    rate_out,
)
from sequin_admin.api.framework.columns import Made, RowShape, as_stored
from sequin_admin.api.framework.schemas import (
    EXAMPLE_ID,
    Body,
    Metadata,
    Shape,
    Timestamp,
    either,
)
from sequin_admin.api.health import Health, HealthDetail, status_out
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.syncs import rules
from sequin_admin.syncs.models import Sync

FREQUENCY = "`continuous`, or a number with m, h or d: `4h`."
MAX_AGE = "Only what was created or changed within so many days; null for everything."
RATE = "May only narrow the credential's own limit; null for that one."
CollectionId = Annotated[str, Field(json_schema_extra={"pattern": rules.COLLECTION_ID})]
CollectionIds = Field(
    description="`provider:name`, as `stripe:customer`.", max_length=rules.MOST_COLLECTIONS
)
Age = Field(default=None, ge=1, le=rules.LONGEST_AGE_DAYS, description=MAX_AGE)


class InlineCredential(Body):
    """A credential that is made, or updated, together with the sync."""

    properties: PROPERTIES = Field(discriminator="kind")
    oauth_app_id: UUID | None = None
    metadata: Metadata | None = None


NEW_SYNCS: dict[str, dict[str, Any]] = {
    "of a credential that is there": {
        "provider": "stripe",
        "name": "Arrakis invoices",
        "collection_ids": ["stripe:customer", "stripe:invoice"],
        "credential_id": EXAMPLE_ID,
        "max_age_days": 7,
        "sync_frequency": "4h",
        "external_id": "customer-42",
        "metadata": METADATA,
    },
    "with its credential": {
        "provider": "stripe",
        "name": "Arrakis customers",
        "collection_ids": ["stripe:customer"],
        "credential": {"properties": STRIPE, "metadata": METADATA},
        "rate_limit": {
            "allowed_requests": 10,
            "interval": 1000,
            "max_concurrent_requests": 5,
        },
    },
}
EXAMPLE = NEW_SYNCS["of a credential that is there"]


class SyncCreate(Body):
    """Send either `credential` or `credential_id`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": either(credential="object", credential_id="string")}
    )
    examples = NEW_SYNCS

    provider: str = Field(json_schema_extra={"enum": [*kinds.providers()]})
    stream_id: UUID | None = Field(default=None, description="May be left out here; never changes.")
    name: str = Field(min_length=1, max_length=NAME_CHARS)
    collection_ids: list[CollectionId] = CollectionIds
    credential: InlineCredential | None = Field(default=None, description="This or credential_id.")
    credential_id: UUID | None = None
    rate_limit: RateLimitShape | None = Field(default=None, description=RATE)
    max_age_days: int | None = Age
    sync_frequency: str = Field(
        default="continuous", pattern=rules.FREQUENCY, description=FREQUENCY
    )
    external_id: str | None = Field(default=None, max_length=200)
    metadata: Metadata = Field(default_factory=dict)


class SyncPatch(Body):
    """What is left out stays as it is."""

    examples = {
        "disable": {"status": "disabled"},
        "choose collections": {
            "collection_ids": ["stripe:invoice"],
            "sync_frequency": "30m",
        },
        "everything of any age": {"max_age_days": None},
    }

    name: str | None = Field(default=None, min_length=1, max_length=NAME_CHARS)
    status: Literal["active", "disabled"] | None = None
    collection_ids: list[CollectionId] | None = Field(
        default=None, max_length=rules.MOST_COLLECTIONS
    )
    rate_limit: RateLimitShape | None = Field(default=None, description=RATE)
    max_age_days: int | None = Age
    sync_frequency: str | None = Field(default=None, pattern=rules.FREQUENCY, description=FREQUENCY)
    external_id: str | None = Field(default=None, max_length=200)
    metadata: Metadata | None = None


class SyncHealth(Health):
    """The health status of a sync."""

    sync_id: str


class SyncShape(Shape):
    """A sync of collections of one credential into a stream."""

    id: str
    provider: str
    stream_id: str | None
    name: str
    status: Literal["active", "disabled"]
    org_id: str
    health: SyncHealth
    collection_ids: list[str] = Field(examples=[EXAMPLE["collection_ids"]])
    rate_limit: RateLimitShape = Field(description="Its own, or its credential's.")
    credential_id: str
    credential: CredentialShape
    max_age_days: int | None = Field(examples=[30])
    sync_frequency: str = Field(examples=[EXAMPLE["sync_frequency"]])
    initial_backfill_completed_at: Timestamp | None
    external_id: str | None = Field(examples=[EXAMPLE["external_id"]])
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


def limit_out(own: dict[str, Any] | None, kind: str, *limit: int | None) -> dict[str, Any]:
    """PostgreSQL stores JSON objects in an order of its own."""
    return {name: own[name] for name in Rate.model_fields} if own else rate_out(kind, *limit)


SYNC = RowShape(
    SyncShape,
    Sync,
    status=Made(lambda at: "disabled" if at else "active", ("disabled_at",)),
    org_id=as_stored("organization_id"),
    health=Made(
        lambda status, pk: {**status_out(status), "sync_id": str(pk)}, ("health_status", "id")
    ),
    rate_limit=Made(
        limit_out,
        (
            *("rate_limit", "credential__kind"),
            *(f"credential__rate_limit__{name}" for name in Rate.model_fields),
        ),
    ),
    credential=CREDENTIAL,
    external_id=Made(lambda text: text or None, ("external_id",)),
)


class CreatedSync(SyncShape):
    """The new sync, with its credential."""

    credential: ImportedCredential


class SyncList(Shape):
    """A page of syncs."""

    data: list[SyncShape]
    next_cursor: str | None


class Trouble(Body):
    """What keeps a worker from its work, and who must act."""

    owner: Literal["customer", "operator", "nobody"] = Field(description="Who must act.")
    code: str = Field(min_length=1, max_length=60)
    message: str = Field(min_length=1, max_length=1000, description="A sentence, no secrets.")


class Report(Body):
    """What a worker reports of a sync."""

    examples = {
        "it works": {"rows": 1200, "lag_s": 4.5, "initial_backfill_completed": True},
        "the customer must act": {
            "error": {
                "owner": "customer",
                "code": "missing_permission",
                "message": "Stripe does not let this key read invoices.",
            }
        },
    }

    rows: int = Field(default=0, ge=0, le=10**12, description="Read since the report before.")
    lag_s: float | None = Field(default=None, ge=0, le=10**9, description="How far behind.")
    initial_backfill_completed: bool = Field(
        default=False, description="Everything that was there from the start is read."
    )
    error: Trouble | None = Field(default=None, description="Left out: it works.")


class SyncHealthDetail(HealthDetail):
    """The health of a sync with its checks, and the progress that workers report."""

    sync_id: str
    rows_total: int
    lag_s: float | None = Field(examples=[4])
    last_report_at: Timestamp | None
