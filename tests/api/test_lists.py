"""Lists: every row once, filters that filter, few queries."""

import base64
import itertools
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import Incident, subject_columns
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.models import ChannelKind, Delivery
from sequin_admin.syncs import streams, targets
from sequin_admin.syncs.models import Consumer, Sync, Target
from tests.factories import make_credential, make_oauth_app
from tests.notified import make_message

URL, PLACES = "/v1/credentials", "/v1/targets/postgres"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_pages_hold_every_row_once(api, organization):
    for number in range(7):
        make_credential(organization, "stripe_key", name=f"Key {number}")

    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get(URL, limit=3, cursor=cursor, sort="name").json()
        seen += [row["name"] for row in answer["data"]]
        cursor = answer["next_cursor"]

    assert seen == [f"Key {number}" for number in range(7)]


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "-name"])
def test_every_sort_reaches_the_end(api, organization, sort):
    made = {str(make_credential(organization, "stripe_key", name="Same").pk) for _ in range(5)}

    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get(URL, limit=2, cursor=cursor, sort=sort).json()
        seen += [row["id"] for row in answer["data"]]
        cursor = answer["next_cursor"]

    assert (len(seen), set(seen)) == (5, made)


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        5,
        {"a": 1, "b": 2, "c": 3},
        ["name", "Arrakis", str(UUID(int=1))],
        ["-created_at", "2026-13-01T00:00:00+00:00", str(UUID(int=1))],
        ["-created_at", "2026-01-01T00:00:00", str(UUID(int=1))],
        ["-created_at", "2026-01-01T00:00:00+00:00", "no-uuid"],
        ["-created_at", "2026-01-01T00:00:00+00:00", 5],
    ],
)
def test_a_foreign_cursor_is_refused(api, content):
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    answer = api.get(URL, cursor=cursor)

    assert list(answer.json()["validation_errors"]) == ["cursor"]


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        ({"limit": 501}, "limit"),
        ({"sort": "secret"}, "sort"),
        ({"health.status": "ok"}, "health.status"),
        ({"metadata": "[]"}, "metadata"),
        ({"metadata": '{"a": 1e400}'}, "metadata"),
        ({"metadata": '{"a": "\\u0000"}'}, "metadata"),
        ({"search": "\0"}, "search"),
        ({"updated_since": "2026-01-01T00:00:00"}, "updated_since"),
        ({"updated_since": "1700000000"}, "updated_since"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"updated_since": "2026-W01-1T00:00:00Z"}, "updated_since"),
        ({"updated_since": "20260101T000000Z"}, "updated_since"),
        ({"updated_since": "2026-13-01T00:00:00Z"}, "updated_since"),
        ({"updated_since": "9999-12-31T23:59:59-12:00"}, "updated_since"),
    ],
)
def test_a_bad_filter_is_refused_by_name(api, query, at_fault):
    answer = api.get(URL, **query)

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [at_fault]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"provider": "stripe"}, {"Stripe"}),
        ({"kind": "sendgrid_key"}, {"SendGrid"}),
        ({"name": "Stripe"}, {"Stripe"}),
        ({"search": "grid"}, {"SendGrid"}),
        ({"metadata": '{"plan": "pro"}'}, {"SendGrid"}),
        ({"metadata": '{"plan": "pro", "other": 1}'}, set()),
        ({"metadata": '{"seats": 3}'}, {"SendGrid"}),
        ({"metadata": '{"it\'s": {"so": [true]}}'}, {"SendGrid"}),
        ({"metadata": '{"absent": null}'}, set()),
        ({"health.status": "customer_intervention"}, {"Stripe"}),
        ({"health.status": "healthy"}, {"SendGrid"}),
        ({"updated_since": "2100-01-01T00:00:00Z"}, set()),
    ],
)
def test_filters_work(api, organization, query, found):
    make_credential(
        organization, "stripe_key", name="Stripe", health_status="customer_intervention"
    )
    metadata = {"plan": "pro", "seats": 3, "it's": {"so": [True]}}
    make_credential(organization, "sendgrid_key", name="SendGrid", metadata=metadata)

    rows = api.get(URL, **query).json()["data"]

    assert {row["name"] for row in rows} == found


def test_listing_decrypts_nothing_and_asks_little(api, organization, django_assert_max_num_queries):
    for number in range(20):
        make_credential(organization, "stripe_key", name=f"Key {number}")
    app = make_oauth_app(organization, "hubspot")
    make_credential(organization, "hubspot_oauth2", oauth_app=app)

    # The key and its last use, the rows, their apps.
    with django_assert_max_num_queries(4) as captured:
        answer = api.get(URL)

    assert len(answer.json()["data"]) == 21
    assert not [query for query in captured.captured_queries if '"secrets"' in query["sql"]]


# Makes a row of each list, by the list's path.
MAKERS = {
    "/v1/credentials": lambda of, name: make_credential(of, "stripe_key", name=name, identity=name),
    "/v1/oauth-apps": lambda of, name: make_oauth_app(of, "hubspot", name=name),
    "/v1/syncs": lambda of, name: Sync.objects.create(
        organization=of, name=name, provider="stripe", credential=make_credential(of, "stripe_key")
    ),
    "/v1/targets/postgres": lambda of, name: make_target(of, name),
    "/v1/consumers/postgres": lambda of, name: Consumer.objects.create(
        organization=of, name=name, target=make_target(of, name)
    ),
    "/v1/webhooks": lambda of, name: channels.create(
        of, ChannelKind.WEBHOOK, actor=None, name=name, address="https://a.test/"
    ),
}
LISTS = pytest.mark.parametrize("url", MAKERS)
TIMES = ["created_at", "-created_at", "updated_at", "-updated_at"]


def make_target(organization, name, **columns):
    return Target.objects.create(
        organization=organization, name=name, secrets={"password": "p"}, **columns
    )


def walk(api, url, between=lambda: None, **query):
    """The rows of all pages."""
    rows, cursor = [], ""
    while cursor is not None:
        answer = api.get(url, cursor=cursor, **query)
        assert answer.status_code == 200, answer.content
        rows += answer.json()["data"]
        cursor = answer.json()["next_cursor"]
        between()
    return rows


@LISTS
@pytest.mark.parametrize(
    "search", ["SPICE", "100%", "%", "_", "\\", "É", "straße", "жАР", "ice 100%_\\é straße ЖаР"]
)
def test_a_search_knows_no_case_and_no_wildcards(api, organization, url, search):
    for name in ("Spice 100%_\\é Straße жар", "Water"):
        MAKERS[url](organization, name)
    # Credentials are also found by their account.
    Credential.objects.update(properties={})

    found = api.get(url, search=search).json()["data"]

    assert [row["name"] for row in found] == ["Spice 100%_\\é Straße жар"]


@LISTS
def test_each_is_found_by_its_whole_name_alone(api, organization, url):
    for name in ("Spice", "Spice 2"):
        MAKERS[url](organization, name)

    assert [row["name"] for row in api.get(url, name="Spice").json()["data"]] == ["Spice"]
    assert api.get(url, name="spice").json()["data"] == []


@LISTS
def test_what_changed_since_is_found_to_the_moment(api, organization, url):
    old, new = (MAKERS[url](organization, name) for name in ("Old", "New"))
    for row, at in ((old, "2026-11-23T11:59:59.999999Z"), (new, "2026-11-23T12:00:00Z")):
        type(row).objects.filter(pk=row.pk).update(updated_at=at)

    def found(at):
        return {row["name"] for row in api.get(url, updated_since=at).json()["data"]}

    assert found("2026-11-23T12:00:00Z") == {"New"} == found("2026-11-23T14:00:00+02:00")
    assert found("2026-11-23T11:59:59.999999Z") == {"Old", "New"}


@pytest.mark.parametrize("url", [url for url in MAKERS if url != "/v1/webhooks"])
def test_health_and_metadata_are_found_in_each(api, organization, url):
    sick, well = (MAKERS[url](organization, name) for name in ("Sick", "Well"))
    type(sick).objects.filter(pk=sick.pk).update(health_status="sequin_intervention")
    type(well).objects.filter(pk=well.pk).update(metadata={"plan": "pro", "seats": 3})

    def found(**query):
        return [row["name"] for row in api.get(url, **query).json()["data"]]

    assert found(**{"health.status": "sequin_intervention"}) == ["Sick"]
    assert found(**{"health.status": "healthy"}) == ["Well"] == found(metadata='{"seats": 3}')


@LISTS
@pytest.mark.parametrize("sort", [*TIMES, "name", "-name"])
def test_each_is_sorted_and_paged(api, organization, url, sort):
    made = [MAKERS[url](organization, name) for name in ("b", "c", "a")]
    for number, row in enumerate(made):
        columns = {"created_at": NOON + timedelta(days=number), "updated_at": NOON}
        type(row).objects.filter(pk=row.pk).update(**columns)

    ids = [row["id"] for row in walk(api, url, sort=sort, limit=1)]

    column, back = sort.strip("-"), sort.startswith("-")
    keys = {str(row.pk): (getattr(row, column), row.pk) for row in type(made[0]).objects.all()}
    assert ids == sorted((pk for pk in ids if pk in keys), key=keys.get, reverse=back)
    assert set(ids) >= {str(row.pk) for row in made}


@pytest.mark.parametrize("url", [*MAKERS, "/v1/streams", "/v1/incidents"])
def test_what_is_no_sort_and_no_filter_is_refused_by_name(api, url):
    for query in ({"sort": "secrets"}, {"limit": 501}, {"limit": 0}, {"nmae": "x"}):
        answer = api.get(url, **query)

        assert list(answer.json()["validation_errors"]) == list(query)


def test_credentials_are_found_by_their_oauth_app(api, organization):
    app = make_oauth_app(organization, "hubspot")
    make_credential(organization, "hubspot_oauth2", oauth_app=app, name="With it")
    make_credential(organization, "stripe_key", name="Without")

    found = api.get(URL, oauth_app_id=str(app.pk)).json()["data"]

    assert [row["name"] for row in found] == ["With it"]


def test_streams_are_found_and_sorted_by_slug(api, organization):
    for slug in ("prod", "dev", "prod-eu"):
        streams.create(organization, actor=None, slug=slug)

    def found(**query):
        return [row["slug"] for row in walk(api, "/v1/streams", limit=2, **query)]

    assert found(sort="slug") == ["dev", "prod", "prod-eu"]
    assert found(sort="-slug", search="rod") == ["prod-eu", "prod"]
    assert found(slug="prod") == ["prod"]
    assert found(updated_since="2100-01-01T00:00:00Z") == []


def test_incidents_are_found_and_sorted(api, organization):
    for day, (name, status) in enumerate([("Spice", "customer_intervention"), ("Water", "")]):
        credential = make_credential(organization, "stripe_key", name=name, identity=name)
        about = subject_columns(credential)
        Incident.objects.create(
            **about, code="c", message="m", status=status, opened_at=NOON + timedelta(days=day)
        )

    def found(**query):
        return [row["name"] for row in walk(api, "/v1/incidents", limit=1, **query)]

    assert found() == ["Water", "Spice"] == found(sort="-opened_at", state="open")
    assert found(sort="opened_at") == ["Spice", "Water"] == found(entity="credential")[::-1]
    assert found(search="SPI") == ["Spice"] == found(status="customer_intervention")
    assert found(state="resolved") == [] == found(entity="sync")


@pytest.fixture
def hook(organization):
    """A webhook with three deliveries."""
    hook = MAKERS["/v1/webhooks"](organization, "hook")
    for _ in range(3):
        outbox.post(organization, make_message())
    return hook


def test_deliveries_are_found_and_come_in_the_order_of_posting(api, hook):
    url = f"/v1/webhooks/{hook.pk}/deliveries"
    posted = [str(uid) for uid in Delivery.objects.order_by("id").values_list("uid", flat=True)]

    def found(**query):
        return [row["id"] for row in walk(api, url, limit=2, **query)]

    assert found(sort="created_at") == posted == found(state="pending")[::-1]
    assert found(type=make_message().type) == posted[::-1]
    assert found(type="sync.created") == [] == found(state="delivered")


def test_a_cursor_past_every_id_is_refused(api, hook):
    content = ["-created_at", str(10**30)]
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    answer = api.get(f"/v1/webhooks/{hook.pk}/deliveries", cursor=cursor)

    assert list(answer.json()["validation_errors"]) == ["cursor"]


def test_collections_are_searched_by_name_and_id(api, organization):
    url = f"/v1/collections/{make_credential(organization, 'stripe_key').pk}"

    def found(search):
        return [row["id"] for row in api.get(url, search=search).json()["data"]]

    assert found("INVOICE")[0] == "stripe:invoice" == found("stripe:invoice")[0]
    assert found("no such thing") == []
    assert len(found("")) > 2


# Few values, so that many rows are equal.
ROWS = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["", "a", "A", "é", "b%"]))
CHANGES = st.lists(st.lists(st.one_of(ROWS, st.integers(0, 9)), max_size=2), max_size=6)


@given(
    rows=st.lists(ROWS, max_size=9),
    changes=CHANGES,
    sort=st.sampled_from([*TIMES, "name", "-name"]),
    limit=st.integers(1, 4),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_there_all_the_time_comes_once_and_in_order(
    api, organization, rows, changes, sort, limit
):
    """Whatever rows are added or deleted between two pages."""
    Target.objects.all().delete()
    steps, stayed = iter(changes), [put(organization, *row) for row in rows]

    def change():
        for one in next(steps, []):
            if isinstance(one, tuple):
                put(organization, *one)
            elif one < len(stayed):
                Target.objects.filter(pk=stayed.pop(one)).delete()

    seen = [UUID(row["id"]) for row in walk(api, PLACES, change, sort=sort, limit=limit)]

    sign = "-" if sort.startswith("-") else ""
    left = Target.objects.filter(pk__in=stayed).order_by(sort, f"{sign}id")
    assert [pk for pk in seen if pk in stayed] == list(left.values_list("pk", flat=True))
    assert len(seen) == len(set(seen))


def put(organization, created, updated, name):
    """A target with the given timestamps."""
    made = make_target(organization, name, created_at=NOON + timedelta(days=created))
    Target.objects.filter(pk=made.pk).update(updated_at=NOON + timedelta(days=updated))
    return made.pk


def test_who_reads_what_changed_ends_with_the_latest_of_everything(api, organization):
    """Rows that change between two pages are listed again; the others once."""
    names = [f"Target {number}" for number in range(6)]
    made = [put(organization, 0, number, name) for number, name in enumerate(names)]
    renamed = iter([made[0], made[5]])

    def rename():
        for pk in itertools.islice(renamed, 1):
            targets.update(Target.objects.get(pk=pk), actor=None, name=f"New {pk}")

    query = {"sort": "updated_at", "updated_since": "2026-11-23T12:00:00Z", "limit": 2}
    rows = walk(api, PLACES, rename, **query)

    latest = {row["id"]: row["name"] for row in rows}
    assert latest == {str(row.pk): row.name for row in Target.objects.all()}
    assert Counter(row["id"] for row in rows)[str(made[0])] == 2
    assert all(Counter(row["id"] for row in rows)[str(pk)] == 1 for pk in made[1:])


@pytest.mark.parametrize(
    ("url", "sort"),
    [
        *((u, s) for u in MAKERS if u != "/v1/webhooks" for s in [*TIMES, "name", "-name"]),
        *(("/v1/streams", sort) for sort in [*TIMES, "slug", "-slug"]),
        *(("/v1/incidents", sort) for sort in ["opened_at", "-opened_at"]),
        *(("deliveries", sort) for sort in ["created_at", "-created_at"]),
    ],
)
def test_an_index_has_the_order_of_every_page(api, organization, request, url, sort):
    """A page costs the same for any number of rows: nothing is sorted or skipped."""
    if url == "deliveries":
        url = f"/v1/webhooks/{request.getfixturevalue('hook').pk}/deliveries"
    elif url in MAKERS:
        [MAKERS[url](organization, f"Row {number}") for number in range(3)]
    elif url == "/v1/streams":
        [streams.create(organization, actor=None, slug=slug) for slug in ("a", "b")]
    else:
        for name in ("a", "b"):
            about = subject_columns(make_credential(organization, "stripe_key", identity=name))
            Incident.objects.create(**about, code="c", message="m")
    with CaptureQueriesContext(connection) as captured:
        first = api.get(url, sort=sort, limit=1).json()
        assert api.get(url, sort=sort, limit=1, cursor=first["next_cursor"]).json()["data"]

    # The rows of a page that stand around it for its digest are few, in whatever order.
    found = (
        re.search(r"(?:MATERIALIZED \(|^)(SELECT .*LIMIT 2)(?:\), digest|$)", each["sql"])
        for each in captured
    )
    pages = [each[1] for each in found if each]
    assert len(pages) == 2
    for sql in pages:
        plan = plan_of(sql)
        assert not re.search(r"Sort|Seq Scan|Filter: \(ROW|TEMP B-TREE|SCAN", plan), plan


def plan_of(sql):
    """The query plan. PostgreSQL, which would sort a few rows, may only sort without an index."""
    lite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for way in () if lite else ("seqscan", "sort", "incremental_sort", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if lite else ''}{sql}")
        return "\n".join(str(row) for row in cursor.fetchall())
