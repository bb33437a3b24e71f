"""Lists: every row once, filters that filter, few queries."""

import base64
import json
from uuid import UUID

import pytest

from tests.factories import make_credential, make_oauth_app

URL = "/v1/credentials"


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

    # The key and a note of its use, the rows, their apps.
    with django_assert_max_num_queries(4) as captured:
        answer = api.get(URL)

    assert len(answer.json()["data"]) == 21
    assert not [query for query in captured.captured_queries if '"secrets"' in query["sql"]]
