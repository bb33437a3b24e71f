"""What will end, of every sort, in one list: read from the rows themselves, so it is never behind.

Access tokens are not in it: we renew them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import (
    DateTimeField,
    F,
    Func,
    Model,
    Q,
    QuerySet,
    TextChoices,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from sequin_admin.access.models import ApiKey, Few, Invitation, Organization, find_few_with
from sequin_admin.connect.models import ConnectLink, ConnectLinkText
from sequin_admin.core import clock
from sequin_admin.core.search_language import Term
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, GatewaySecret, OAuthApp, SearchText

# How far ahead one looks, unless asked for more.
AHEAD = timedelta(days=180)
COLUMNS = ("sort_of", "row_id", "title", "source", "end")
SOONEST_FIRST = ("end", "row_id")


class Expiring(TextChoices):
    """What ends: how it is called, what happens then, and what to do before."""

    CREDENTIAL = "credential", "Account access"
    OAUTH_APP = "oauth_app", "OAuth app's secret"
    GATEWAY_SECRET = "gateway_secret", "Former gateway secret"
    API_KEY = "api_key", "API key"
    FORMER_API_KEY = "former_api_key", "API key's former token"
    CONNECT_LINK = "connect_link", "Connect link"
    INVITATION = "invitation", "Invitation"

    @property
    def to_do(self) -> str:
        return TO_DO[self]


TO_DO = {
    Expiring.CREDENTIAL: "The customer connects the account again before.",
    Expiring.OAUTH_APP: "Issue a new secret at the provider and replace it here before.",
    Expiring.GATEWAY_SECRET: "Let your product use the new secret before.",
    Expiring.API_KEY: "Give the key a later end, or let your programs use another one before.",
    Expiring.FORMER_API_KEY: "Let your programs use the new token before.",
    Expiring.CONNECT_LINK: "Remind the customer, or make a new link.",
    Expiring.INVITATION: "Send it again if it is still wanted.",
}


@dataclass(frozen=True)
class ExpiringRow:
    """One thing that ends. `id` is that of the row it belongs to."""

    what: Expiring
    id: UUID
    name: str
    provider: str
    ends_at: datetime

    @property
    def provider_title(self) -> str:
        return kinds.title_of(self.provider) if self.provider else ""

    @property
    def to_do(self) -> str:
        return self.what.to_do

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends."""
        return (self.ends_at - now).days


class ExpiryFilter(NamedTuple):
    """What of it to list; each is left out where it is empty."""

    until: datetime | None = None
    what: str = ""
    provider: str = ""
    words: Sequence[str] = ()
    # What `find_few_named()` knows of the words, where it was asked already.
    few: Few | None = None
    # The end and id of the row after which the list goes on.
    after: tuple[datetime, UUID] | None = None

    def narrows_time(self, now: datetime) -> bool:
        return self.until is not None and self.until < now + AHEAD - timedelta(days=1)


def rows_ending(
    organization: Organization,
    wanted: ExpiryFilter,
    *,
    order: Sequence[str | OrderBy] = SOONEST_FIRST,
    most: int | None = None,
) -> QuerySet[Model, dict[str, Any]]:
    """The `COLUMNS` of each, for `parse_row()`, in one query. No more than `most` are asked for."""
    now = clock.now()
    sorts = [each for each in Expiring if wanted.what in ("", each)]
    by_end = not order_names(order).isdisjoint(("end", "sort_of")) or wanted.narrows_time(now)
    rows = {each: rows_of(each, organization, now) for each in sorts}
    few = find_few_named(wanted.words) if wanted.few is None else wanted.few
    parts = [
        find_named(narrow(rows[each], each, wanted, now, by_end=by_end), each, wanted.words, few)
        for each in sorts
    ]
    if len(parts) == 1:
        return parts[0].order_by(*order)
    if most:
        parts = [first_of(part, order, most) for part in parts]
    return parts[0].union(*parts[1:], all=True).order_by(*order)


def first_of(
    part: QuerySet[Model, dict[str, Any]], order: Sequence[str | OrderBy], most: int
) -> QuerySet[Model, dict[str, Any]]:
    """No more of a part than is asked for, where the database would read all of it to sort it.

    PostgreSQL would in any order. SQLite merges parts that are in order, but does not see that all
    of a part are of one sort.
    """
    if connection.features.supports_slicing_ordering_in_compound:
        return part.order_by(*order)[:most]
    within = [each for each in order if order_names([each]) != {"sort_of"}]
    if len(within) == len(order):
        return part
    return part.filter(pk__in=part.order_by(*within).values("pk")[:most])


def parse_row(columns: dict[str, Any]) -> ExpiringRow:
    what, title, source = Expiring(columns["sort_of"]), columns["title"], columns["source"]
    provider = kinds.class_of(source).provider if what is Expiring.CREDENTIAL else source
    name = title or (f"for {kinds.title_of(provider)}" if provider else "")
    return ExpiringRow(what, columns["row_id"], name, provider, columns["end"])


NO_SOURCE = Value("")


@dataclass(frozen=True)
class ExpiryColumns:
    """Of which columns of a table the list is made."""

    title: Combinable
    end: str
    source: Combinable = NO_SOURCE


TABLES = {
    Expiring.CREDENTIAL: ExpiryColumns(F("name"), "ends_at", F("kind")),
    Expiring.OAUTH_APP: ExpiryColumns(F("name"), "secret_ends_at", F("provider")),
    Expiring.GATEWAY_SECRET: ExpiryColumns(
        F("oauth_app__name"), "former_until", F("oauth_app__provider")
    ),
    Expiring.API_KEY: ExpiryColumns(F("name"), "expires_at"),
    Expiring.FORMER_API_KEY: ExpiryColumns(F("name"), "former_until"),
    Expiring.CONNECT_LINK: ExpiryColumns(F("name"), "expires_at", F("provider")),
    Expiring.INVITATION: ExpiryColumns(F("email"), "expires_at"),
}


# Those of which there are many have texts, which SQLite reads sooner than all of their rows.
TEXTS: dict[Expiring, type[Model]] = {
    Expiring.CREDENTIAL: SearchText,
    Expiring.CONNECT_LINK: ConnectLinkText,
}


def rows_of(what: Expiring, organization: Organization, now: datetime) -> QuerySet[Model]:
    """The rows of one sort that are in use; `narrow()` leaves out those that have ended."""
    if what is Expiring.CREDENTIAL:
        return Credential.objects.of(organization).active()
    if what is Expiring.OAUTH_APP:
        return OAuthApp.objects.of(organization)
    if what is Expiring.GATEWAY_SECRET:
        return GatewaySecret.objects.filter(oauth_app__organization=organization)
    if what is Expiring.CONNECT_LINK:
        return ConnectLink.objects.of(organization).not_closed()
    if what is Expiring.INVITATION:
        return Invitation.objects.of(organization).open()
    return ApiKey.objects.of(organization).usable(now)


def order_names(order: Sequence[str | OrderBy]) -> set[str]:
    columns = (each if isinstance(each, str) else each.expression for each in order)
    return {str(getattr(column, "name", column)).removeprefix("-") for column in columns}


class Unindexed(Func):
    """The value, by which SQLite looks up no index: else it would prefer that of the time, and sort
    all rows, to one that has their order."""

    template = "+%(expressions)s"
    arity = 1


def narrow(
    rows: QuerySet[Model], what: Expiring, wanted: ExpiryFilter, now: datetime, *, by_end: bool
) -> QuerySet[Model, dict[str, Any]]:
    """The columns of the rows that end and that the filter wants."""
    table = TABLES[what]
    rows = rows.annotate(
        sort_of=as_text(Value(what.value)),
        row_id=F("pk"),
        title=as_text(table.title),
        source=as_text(table.source),
        end=F(table.end),
    )
    end: Combinable = F(table.end)
    if not by_end and connection.vendor == "sqlite":
        end = Unindexed(end, output_field=DateTimeField())
    rows = rows.filter(Q((f"{table.end}__isnull", False)), GreaterThan(end, now))
    if wanted.until:
        rows = rows.filter(LessThanOrEqual(end, wanted.until))
    if wanted.after:
        at, pk = wanted.after
        # The first condition alone can use an index.
        rows = rows.filter(Q((f"{table.end}__gte", at)))
        rows = rows.filter(Q((f"{table.end}__gt", at)) | Q(pk__gt=pk))
    if wanted.provider:
        rows = rows.filter(of_provider(what, wanted.provider))
    return rows.order_by().values(*COLUMNS)


def find_few_named(words: Sequence[str]) -> Few:
    """What may have these words in its name, where that is few."""
    return find_few_with(list(TEXTS.values()), [Term(word, word) for word in words])


def find_named(
    rows: QuerySet[Model, dict[str, Any]], what: Expiring, words: Sequence[str], few: Few
) -> QuerySet[Model, dict[str, Any]]:
    """Those with each word in their names: of few that have them, only these are looked at.
    PostgreSQL estimates how many, and has an index of the texts, in which the names are."""
    table = TEXTS.get(what)
    if table and table in few:
        rows = rows.filter(pk__in=few[table])
    elif table and connection.vendor == "postgresql":
        rows = rows.filter(*(Q(search__text__has_word=word) for word in words))
    for word in words:
        rows = rows.filter(title__icontains=word)
    return rows


def as_text(value: Combinable) -> Combinable:
    """Of one type in all parts, as PostgreSQL wants them; SQLite would no longer see that its index
    has the order of a column."""
    typed = connection.features.supports_slicing_ordering_in_compound
    return Cast(value, TextField()) if typed else value


def of_provider(what: Expiring, provider: str) -> Q:
    if what is Expiring.CREDENTIAL:
        return Q(kind__in=[kind.slug for kind in kinds.of_provider(provider)])
    return Q(source=provider)
