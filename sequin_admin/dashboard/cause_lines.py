"""A cause as one line: what happened to how many, and the three things that one can do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from sequin_admin.core import clock
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.health import cause_words
from sequin_admin.health.models import Cause, Incident
from sequin_admin.health.outages import PROVIDER
from sequin_admin.health.status import Status


@dataclass(frozen=True)
class CauseLine:
    """`only` is the incident of a cause that never had another."""

    cause: Cause
    only: Incident | None = None

    @property
    def url(self) -> str:
        return reverse("dashboard:cause", args=[self.cause.pk])

    @property
    def headline(self) -> str:
        return cause_words.headline(self.cause)

    @property
    def sentence(self) -> str:
        if not self.cause.is_open:
            return cause_words.origin(self.cause)
        return self.only.message if self.only else self.cause.message

    @property
    def muted(self) -> bool:
        return self.cause.is_muted(clock.now())

    @property
    def state(self) -> tuple[str, ...]:
        """What a live part that shows it must follow: what people look at first ..."""
        cause = self.cause
        ends = (str(cause.resolved_at), str(cause.muted_until))
        return (str(cause.pk), str(self.muted), str(cause.owner), *ends)

    @property
    def details(self) -> tuple[str, ...]:
        """... and what changes while it grows."""
        return (self.headline, self.sentence, self.waiting, str(self.accounts))

    @property
    def waiting(self) -> str:
        return cause_words.waiting_words(self.cause)

    @property
    def accounts(self) -> int:
        """How many of its incidents are of credentials that their customers can connect again."""
        is_theirs = self.cause.status == Status.CUSTOMER and self.cause.entity == "credential"
        return self.cause.open_incidents if is_theirs else 0

    @property
    def links_url(self) -> str:
        """The page that makes reconnect links for all of them."""
        query = urlencode({"cause": self.cause.pk, "all": 1})
        return f"{reverse('dashboard:connect_links_bulk')}?{query}"

    @property
    def see_url(self) -> str:
        """Those that it is about: a list, or the health of the only one."""
        credentials = reverse("dashboard:credentials")
        if self.only and self.only.entity == PROVIDER:
            return f"{credentials}?{urlencode({'provider': self.cause.provider})}"
        if self.only:
            return reverse("dashboard:health", args=[self.only.entity, self.only.entity_id])
        if self.cause.entity == "credential" and self.cause.is_open:
            return f"{credentials}?{urlencode({'cause': self.cause.pk})}"
        return f"{self.url}#affected"


def build_lines(causes: Iterable[Cause]) -> list[CauseLine]:
    """With one query for all."""
    listed = list(causes)
    single = [cause.pk for cause in listed if cause.total_incidents == 1]
    rows = Incident.objects.filter(cause__in=single).order_by() if single else ()
    only = {row.cause_id: row for row in rows}
    return [CauseLine(cause, only.get(cause.pk)) for cause in listed]


@live.register("cause_row", "causes/row.html")
def load_rows(request: Request, keys: Sequence[str]) -> list[Current]:
    rows = Cause.objects.of(request.organization).filter(pk__in=parse_uuids(keys))
    return build_rows(rows.select_related("owner"))


def build_rows(causes: Iterable[Cause]) -> list[Current]:
    """The rows of a list of causes, with one query for all."""
    return [build_row(line) for line in build_lines(causes)]


def build_row(line: CauseLine) -> Current:
    cause = line.cause
    counts = (cause.open_incidents, cause.total_incidents, cause.status)
    return Current(
        "cause_row",
        str(cause.pk),
        line.state,
        details=(*line.details, *counts),
        context={"line": line},
        pending=cause.is_open,
    )
