"""A search through everything that an organization has, in groups."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Value

from sequin_admin.access.models import (
    Membership,
    Organization,
    SearchedQuerySet,
    find_few,
)
from sequin_admin.connect.models import ConnectLink, ConnectLinkText
from sequin_admin.core.search_language import InvalidFilter, parse_search
from sequin_admin.credentials.models import Credential, OAuthApp, SearchText
from sequin_admin.health.cause_words import headline
from sequin_admin.health.models import Cause
from sequin_admin.syncs.models import Consumer, Stream, Sync, SyncText, Target

HITS = 6


@dataclass(frozen=True)
class SearchHit:
    """A row that was found. `detail` tells it from others of its name."""

    entity: str
    pk: str
    name: str
    detail: str
    provider: str = ""


@dataclass(frozen=True)
class HitGroup:
    """What was found of one sort. `has_more` when there are others that are not among the hits."""

    entity: str
    title: str
    hits: list[SearchHit]
    has_more: bool = False


@dataclass(frozen=True)
class Found:
    """What a search found. `problem` is the sentence about the filter `problem_at`, which no row of
    any group can pass."""

    groups: list[HitGroup]
    problem: str = ""
    problem_at: str = ""


@dataclass(frozen=True)
class SearchSource:
    """Rows that are searched, and how one is shown. Those of which a hit is no more than the column
    `named` are asked for together."""

    entity: str
    title: str
    rows: Callable[[], Any]
    show: Callable[[Any], tuple[str, str]]
    order: tuple[str, ...] = ("-created_at", "-pk")
    named: str = ""


SOURCES = (
    SearchSource(
        "credential",
        "Credentials",
        lambda: Credential.objects.defer("secrets"),
        lambda row: (row.name, row.describe() or row.full_title()),
    ),
    SearchSource(
        "oauth_app",
        "OAuth apps",
        lambda: OAuthApp.objects.defer("secrets"),
        lambda row: (row.name, row.provider_title),
    ),
    SearchSource(
        "sync", "Syncs", lambda: Sync.objects.all(), lambda row: (row.name, row.external_id)
    ),
    SearchSource(
        "connect_link",
        "Connect links",
        lambda: ConnectLink.objects.defer("secrets"),
        lambda row: (str(row), f"{row.provider_title} · {row.state.label}"),
    ),
    SearchSource(
        "target",
        "Targets",
        lambda: Target.objects.defer("secrets"),
        lambda row: (row.name, row.address),
    ),
    SearchSource(
        "consumer",
        "Consumers",
        lambda: Consumer.objects.all(),
        lambda row: (row.name, ""),
        named="name",
    ),
    SearchSource(
        "stream",
        "Streams",
        lambda: Stream.objects.all(),
        lambda row: (row.slug, ""),
        named="slug",
    ),
    SearchSource(
        "member",
        "Members",
        lambda: Membership.objects.select_related("user"),
        lambda row: (row.user.email, row.get_role_display()),
    ),
    SearchSource(
        "cause",
        "Incidents",
        lambda: Cause.objects.all(),
        lambda row: (headline(row), "Resolved" if row.resolved_at else "Open"),
        ("-opened_at", "-pk"),
    ),
)
# The tables of texts of those that have one.
TEXTS = (SearchText, SyncText, ConnectLinkText)
ENTITIES = tuple(source.entity for source in SOURCES)


def search_everything(
    organization: Organization, text: str, *, entities: Iterable[str] = ENTITIES, most: int = HITS
) -> Found:
    """What each group has, the newest first. A group that does not know a filter has nothing."""
    terms, wanted = parse_search(text), set(entities)
    if not terms:
        return Found([])
    named: dict[str, Any] = {}
    groups, problems = dict[str, HitGroup](), []
    few = find_few(TEXTS, text)
    for source in SOURCES:
        if source.entity not in wanted:
            continue
        owned = source.rows().of(organization)
        has_text = isinstance(owned, SearchedQuerySet)
        try:
            rows = owned.searched_among(few, text) if has_text else owned.searched(text)
        except InvalidFilter as error:
            problems.append(error)
            continue
        rows = rows.order_by(*source.order)
        if source.named:
            named[source.entity] = rows[: most + 1]
        else:
            hits = [hit_of(source, row) for row in rows[: most + 1]]
            groups[source.entity] = group_of(source, hits, most)
    groups |= search_named(named, most)
    ordered = [groups[entity] for entity in ENTITIES if entity in groups]
    found = [group for group in ordered if group.hits]
    if problems and not found:
        return Found([], str(problems[0]), problems[0].term.text)
    return Found(found)


def search_named(rows: dict[str, Any], most: int) -> dict[str, HitGroup]:
    """The groups of sources that have `named`, by entity, in one query."""
    sources = [source for source in SOURCES if source.entity in rows]
    parts = [
        source.rows()
        .filter(pk__in=rows[source.entity].values("pk"))
        .values_list(Value(source.entity), "pk", source.named, "created_at")
        for source in sources
    ]
    found = parts[0].union(*parts[1:], all=True) if parts else ()
    newest = sorted(found, key=lambda row: (row[3], row[1]), reverse=True)
    return {
        source.entity: group_of(
            source,
            [
                SearchHit(entity, str(pk), name, "")
                for entity, pk, name, _ in newest
                if entity == source.entity
            ],
            most,
        )
        for source in sources
    }


def group_of(source: SearchSource, hits: list[SearchHit], most: int) -> HitGroup:
    return HitGroup(source.entity, source.title, hits[:most], has_more=len(hits) > most)


def hit_of(source: SearchSource, row: Model) -> SearchHit:
    name, detail = source.show(row)
    return SearchHit(source.entity, str(row.pk), name, detail, getattr(row, "provider", ""))


def find_hits(organization: Organization, wanted: Iterable[tuple[str, str]]) -> list[SearchHit]:
    """Rows by entity and id, in this order; those that are gone are left out."""
    asked = list(wanted)
    known: dict[tuple[str, str], SearchHit] = {}
    for source in SOURCES:
        pks = [pk for entity, pk in asked if entity == source.entity]
        if pks:
            rows = source.rows().of(organization).filter(pk__in=pks)
            known |= {(source.entity, str(row.pk)): hit_of(source, row) for row in rows}
    return [known[key] for key in asked if key in known]
