"""/v1/usage and /v1/credentials/{id}/usage: how much of the rate limits is used."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.credentials.rate_limits import RATE_LIMIT, RateLimitShape
from sequin_admin.api.credentials.views import get_owned_or_404
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.pagination import (
    TEXT_CHARS,
    Creation,
    PageParams,
    paginate,
    paginate_request,
    search_rows,
)
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, Shape, Timestamp
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import models as limits
from sequin_admin.limits import usage
from sequin_admin.limits.models import RateLimit, Sample, SamplePeriod, UsageSummary
from sequin_admin.limits.requests import MS, Gauge
from sequin_admin.limits.stores import Unavailable
from sequin_admin.limits.summaries import COUNTS, TIMES

router = Resource(
    "Usage",
    "How much of their rate limits credentials use.",
)
of_credential = Resource("Usage")

MINUTES, HOURS = 60, 168


class NowShape(Shape):
    """What goes on at this moment."""

    used: int = Field(description="Calls that started within the current interval.")
    under_way: int
    waiting: int = Field(description="Callers that wait for a permit.")
    paused_for_ms: int = Field(description="How long everybody still waits after a throttling.")


class LatelyShape(Shape):
    """The last ten minutes, or the last day where an interval is longer than that."""

    granted: int
    throttled: int = Field(description="Calls that the provider turned down as too many.")
    share: float = Field(description="Of what the limit allows; 1.0 is all of it.")
    hot: bool = Field(description="Whether it is more than 80 %.")


class SumShape(Shape):
    """What was used in an hour or a day, as a worker summed it up within the last minutes."""

    granted: int = Field(description="Calls that started.")
    refused: int = Field(description="Permits that were asked for in vain.")
    throttled: int = Field(description="Calls that the provider turned down as too many.")
    share: float = Field(
        description="Of what the limit allows in this time, or in one interval that is longer."
    )


class UsageShape(Shape):
    """How much of its rate limit a credential uses."""

    credential_id: UUID
    name: str
    provider: str
    kind: str
    rate_limit: RateLimitShape
    now: NowShape | None = Field(description="Null while the limiter's store can't be reached.")
    lately: LatelyShape
    hour: SumShape = Field(description="The last 60 minutes.")
    day: SumShape = Field(description="The last 24 hours.")
    resets_at: Timestamp | None = Field(
        description="When more may start: the provider lets us go on or its window ends, or the "
        "oldest call leaves the limit's window. Null when nothing is pending."
    )


class PointShape(Shape):
    """The calls of one minute or hour, which began `at` this time."""

    at: Timestamp = Field(description="When it began.")
    granted: int
    refused: int = Field(description="Permits that were asked for in vain.")
    throttled: int


class UsageDetail(UsageShape):
    """The usage of one credential over time."""

    minutes: list[PointShape] = Field(description=f"The last {MINUTES}, oldest first.")
    hours: list[PointShape] = Field(description=f"The last {HOURS}, oldest first.")


class UsageList(Shape):
    """A page of credentials with their usage."""

    data: list[UsageShape]
    next_cursor: str | None


class UsageFilters(PageParams):
    """Query parameters of the list of uses."""

    sort: Literal[Creation, "hour_share", "-hour_share", "day_share", "-day_share"] = "-created_at"
    provider: str = ""
    kind: str = ""
    search: str = Field(
        default="",
        max_length=TEXT_CHARS,
        description="Part of the name or of the account's identity.",
    )
    hot: bool = Field(default=False, description="Only those near their limit.")

    def narrow(self, rows: Any) -> Any:
        rows = rows.of_provider(self.provider) if self.provider else rows
        rows = rows.filter(kind=self.kind) if self.kind else rows
        return search_rows(rows, self.search)


class PaceAsk(Body):
    """A rate limit, and how many records are to be read within it."""

    examples = {"a million records": {"rate_limit": RATE_LIMIT, "records": 1_000_000}}

    rate_limit: RateLimitShape
    records: int | None = Field(default=None, ge=1, le=usage.MOST_RECORDS)
    per_call: int = Field(default=100, ge=1, le=usage.MOST_PER_CALL, description="Records.")


class PaceShape(Shape):
    """A rate limit in words."""

    pace: str = Field(description="The same in words, such as 10 per second.")
    doubt: str = Field(description="Why the numbers are hardly meant so; empty if they may be.")
    plan: str = Field(description="How long the records take; empty when none were named.")


@router.get("", response={200: UsageList, **ERRORS})
def list_usage(request: ApiRequest, filters: Query[UsageFilters]) -> dict[str, Any]:
    """Of every credential that is not disabled, the newest first unless sorted otherwise."""
    organization = require_scope(request, Scope.READ)
    rows = Credential.objects.of(organization).active().select_related("rate_limit")
    if filters.hot:
        rows = rows.filter(
            pk__in=[hot.credential.pk for hot in usage.running_near_limit(organization)]
        )
    if filters.sort.endswith("_share"):
        page, following = sort_by_share(request, organization, filters, rows)
    else:
        page, following = paginate_request(request, filters, rows.defer("secrets"))
    return {"data": usages_out(page), "next_cursor": following}


def sort_by_share(
    request: ApiRequest,
    organization: Organization,
    filters: UsageFilters,
    rows: QuerySet[Credential],
) -> tuple[list[Credential], str | None]:
    """A page of the credentials that a worker has summed up: new ones come within a minute."""
    filters.refuse_unknown(request)
    found = UsageSummary.objects.of(organization).filter(credential__disabled_at=None)
    if filters.narrows():
        found = found.filter(credential__in=filters.narrow(rows).values("pk"))
    shown = found.select_related("credential__rate_limit").defer("credential__secrets")
    page, following = paginate(shown, sort=filters.sort, cursor=filters.cursor, limit=filters.limit)
    return [summary.credential for summary in page], following


def usages_out(credentials: Sequence[Credential]) -> list[dict[str, Any]]:
    """The number of queries does not depend on the number of credentials."""
    gauges = gauges_of(credentials)
    totals = usage.sum_samples(Sample.objects.filter(credential__in=credentials))
    lately = usage.recent_use(credentials, totals)
    found = UsageSummary.objects.filter(credential__in=credentials)
    summaries = {summary.credential_id: summary for summary in found}
    return [
        {
            "credential_id": credential.pk,
            **{name: getattr(credential, name) for name in ("name", "provider", "kind")},
            "rate_limit": limits.get_rate(credential).model_dump(),
            "now": gauge and gauge_out(gauge),
            "lately": lately_out(lately[credential.pk]),
            **summary_out(summaries.get(credential.pk) or UsageSummary()),
        }
        for credential, gauge in zip(credentials, gauges, strict=True)
    ]


def gauges_of(credentials: Sequence[Credential]) -> Sequence[Gauge | None]:
    try:
        return [gauge or Gauge(now=0) for gauge in usage.gauges_of(credentials)]
    except Unavailable:
        return [None] * len(credentials)


def gauge_out(gauge: Gauge) -> dict[str, int]:
    plain = {name: getattr(gauge, name) for name in ("used", "under_way", "waiting")}
    return {**plain, "paused_for_ms": -(-gauge.paused_for // MS)}


def lately_out(use: usage.RecentUse) -> dict[str, Any]:
    plain = {name: getattr(use, name) for name in ("granted", "throttled")}
    return {**plain, "share": round(use.share, 4), "hot": use.is_near_limit}


def summary_out(summary: UsageSummary) -> dict[str, Any]:
    sums = {
        time: {
            **{name: getattr(summary, f"{time}_{name}") for name in COUNTS},
            "share": round(getattr(summary, f"{time}_share"), 4),
        }
        for time in TIMES
    }
    pending = summary.resets_at is not None and summary.resets_at > clock.now()
    return {**sums, "resets_at": summary.resets_at if pending else None}


@of_credential.get("/{credential_id}/usage", response={200: UsageDetail, **ERRORS})
def credential_usage(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """What goes on now, and what was used in the last minutes and hours."""
    credential = get_owned_or_404(require_scope(request, Scope.READ), credential_id)
    return {
        **usages_out([credential])[0],
        "minutes": usage.history(credential, MINUTES, span=SamplePeriod.MINUTE),
        "hours": usage.history(credential, HOURS),
    }


@router.post("/pace", response={200: PaceShape, **ERRORS})
def work_out_pace(request: ApiRequest, payload: PaceAsk) -> dict[str, Any]:
    """What a rate limit amounts to, before you set it, and how long a sync takes with it."""
    require_scope(request, Scope.READ)
    limit = RateLimit(**payload.rate_limit.model_dump())
    records = payload.records
    plan = usage.plan_text(records, payload.per_call, limit.as_rate()) if records else ""
    return {"pace": limit.pace(), "doubt": limit.doubt(), "plan": plan}
