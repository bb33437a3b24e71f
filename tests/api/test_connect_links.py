"""/v1/connect-links"""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from tests.factories import make_credential, make_oauth_app

URL = "/v1/connect-links"
NEW = {"kinds": ["stripe_key"], "name": "Arrakis", "metadata": {"customer": "a1"}}


@pytest.fixture
def made(api):
    answer = api.post(URL, NEW)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def one(made):
    return f"{URL}/{made['id']}"


def path_of(made):
    return urlsplit(made["url"]).path


def test_from_creation_to_withdrawal(api, client, made, one):
    assert (made["state"], made["opened_at"], made["credential_id"]) == ("open", None, None)
    assert api.get(one).json() == {**made, "url": None}
    assert api.get(one)["ETag"]
    assert client.get(path_of(made), follow=True).status_code == 200
    assert api.get(one).json()["opened_at"]

    changed = api.patch(one, {"name": "Dune", "metadata": {}}).json()
    assert (changed["name"], changed["metadata"]) == ("Dune", {})
    assert api.delete(one).status_code == 204
    after = api.get(one).json()
    assert (after["state"], after["url"], after["name"]) == ("revoked", None, "Dune")
    assert client.get(path_of(made)).status_code == 410


def test_what_came_of_it_is_told(api, organization, made, one):
    credential = make_credential(organization, "stripe_key")
    links.complete(ConnectLink.objects.get(), credential)

    told = api.get(one).json()

    assert (told["state"], told["credential_id"]) == ("completed", str(credential.pk))
    assert told["completed_at"]
    assert told["url"] is None


def test_why_a_customer_did_not_get_through_is_told(api, made, one):
    links.fail(ConnectLink.objects.get(), "Stripe does not know this key.")

    told = api.get(one).json()

    assert (told["state"], told["failure"]) == ("open", "Stripe does not know this key.")


@pytest.mark.parametrize("verb", ["patch", "delete"])
def test_a_link_that_is_over_stays_as_it_is(api, one, verb):
    api.delete(one)

    answer = api.call(verb.upper(), one, {"name": "Dune"} if verb == "patch" else None)

    assert answer.status_code == 409
    assert "revoked already" in answer.json()["summary"]


def test_a_change_nobody_saw_is_not_overwritten(api, one):
    seen = api.get(one)["ETag"]
    api.patch(one, {"name": "Meanwhile"})

    for method in ("PATCH", "DELETE"):
        assert api.call(method, one, {}, headers={"If-Match": seen}).status_code == 412


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kinds": None}, "kinds"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["stripe_key", "spice_key"]}, "kinds.1"),
        ({"kinds": ["stripe_key", "sendgrid_key"]}, "kinds"),
        ({"kinds": ["hubspot_oauth2"]}, "oauth_app_id"),
        ({"oauth_app_id": "0b4f77dc-1a6d-4a8c-8a6e-000000000000"}, "oauth_app_id"),
        ({"redirect_url": "https://giedi-prime.test/"}, "redirect_url"),
        ({"expires_in_s": 8 * 86_400}, "expires_in_s"),
        ({"reconnects": "0b4f77dc-1a6d-4a8c-8a6e-000000000000"}, "kinds"),
        ({"days": 3}, "days"),
    ],
    ids=str,
)
def test_links_that_nobody_could_use_are_not_made(api, organization, change, path):
    answer = api.post(URL, {**NEW, **change})

    assert answer.status_code == 422
    assert path in answer.json()["validation_errors"]
    assert not ConnectLink.objects.exists()


def test_a_customer_connects_through_the_named_app(api, organization):
    app = make_oauth_app(organization, "hubspot", redirect_uris=["https://arrakis.test/done"])
    wanted = {
        "kinds": ["hubspot_oauth2"],
        "oauth_app_id": str(app.pk),
        "redirect_url": "https://arrakis.test/done",
        "expires_in_s": 3600,
    }

    made = api.post(URL, wanted).json()

    assert made["oauth_app_id"] == str(app.pk)
    assert made["redirect_url"] == "https://arrakis.test/done"
    link = ConnectLink.objects.get()
    assert link.expires_at - link.created_at < timedelta(minutes=61)


def test_a_customer_reconnects_one_credential(api, organization):
    credential = make_credential(organization, "stripe_key")

    made = api.post(URL, {"reconnects": str(credential.pk)}).json()

    assert made["reconnects"] == str(credential.pk)
    assert made["kinds"] == ["stripe_key"]
    assert api.get(URL, credential_id=credential.pk).json()["data"][0]["id"] == made["id"]


def test_what_waits_for_us_gets_no_link(api, organization):
    ours = make_credential(organization, "stripe_key", health_status="sequin_intervention")

    answer = api.post(URL, {"reconnects": str(ours.pk)})

    assert answer.status_code == 422
    assert "waits for us" in answer.json()["validation_errors"]["reconnects"][0]


def test_credentials_of_others_can_not_be_reconnected(api, stranger):
    theirs = make_credential(stranger.organizations.get(), "stripe_key")

    answer = api.post(URL, {"reconnects": str(theirs.pk)})

    assert list(answer.json()["validation_errors"]) == ["reconnects"]
    assert not ConnectLink.objects.exists()


def test_many_are_made_at_once_and_those_left_out_say_why(api, organization, stranger):
    broken = [
        make_credential(organization, "stripe_key", identity=str(n), name=f"Key {n}")
        for n in range(3)
    ]
    ours = make_credential(organization, "stripe_key", health_status="sequin_intervention")
    theirs = make_credential(stranger.organizations.get(), "stripe_key")
    ids = [str(row.pk) for row in (*broken, ours, theirs)]

    answer = api.post(f"{URL}/bulk", {"credential_ids": ids})

    assert answer.status_code == 201
    told = answer.json()
    assert [link["reconnects"] for link in told["data"]] == ids[:3]
    assert all(link["url"] for link in told["data"])
    assert {row["credential_id"] for row in told["left_out"]} == set(ids[3:])
    listed = api.get(URL, batch=told["batch"]).json()["data"]
    assert {link["id"] for link in listed} == {link["id"] for link in told["data"]}


def test_many_take_as_many_queries_as_a_few(api, organization):
    counts = []
    for start, end in [(0, 2), (2, 40)]:
        rows = [
            make_credential(organization, "stripe_key", identity=f"{n}") for n in range(start, end)
        ]
        with CaptureQueriesContext(connection) as asked:
            answer = api.post(f"{URL}/bulk", {"credential_ids": [str(row.pk) for row in rows]})
        assert len(answer.json()["data"]) == end - start
        counts.append(len(asked))

    assert Event.objects.filter(action="connect_link.created").count() == 40
    # SQLite limits the number of values in one query.
    assert counts[1] - counts[0] <= 3


def test_many_are_made_up_to_the_ceiling(api, organization, settings):
    settings.MAX_CONNECT_LINKS = 2
    rows = [make_credential(organization, "stripe_key", identity=f"{n}") for n in range(3)]

    told = api.post(f"{URL}/bulk", {"credential_ids": [str(row.pk) for row in rows]}).json()

    assert len(told["data"]) == ConnectLink.objects.count() == 2
    [left] = told["left_out"]
    assert "may have 2 open connect links" in left["reason"]


def test_lists_are_filtered(api, organization):
    ids = {state: api.post(URL, NEW).json()["id"] for state in ("open", "revoked", "expired")}
    api.delete(f"{URL}/{ids['revoked']}")
    ConnectLink.objects.filter(pk=ids["expired"]).update(expires_at=clock.now())
    other = api.post(URL, {"kinds": ["sendgrid_key"]}).json()["id"]

    def found(**filters):
        return [row["id"] for row in api.get(URL, **filters).json()["data"]]

    assert found() == [other, *reversed(ids.values())]
    assert found(state="open", provider="stripe") == [ids["open"]]
    assert found(state="revoked") == [ids["revoked"]]
    assert found(state="expired") == [ids["expired"]]
    assert found(provider="sendgrid") == [other]
    assert len(found(metadata='{"customer": "a1"}')) == 3
    first = api.get(URL, limit=3).json()
    assert len(first["data"]) == 3
    assert found(cursor=first["next_cursor"]) == [ids["open"]]


def test_addresses_are_listed_when_asked_for_and_that_is_audited(
    api, make_client, made, organization
):
    api = make_client(organization, Scope.READ, Scope.SECRETS)
    assert [row["url"] for row in api.get(URL).json()["data"]] == [None]

    listed = api.get(URL, urls="true")

    assert [row["url"] for row in listed.json()["data"]] == [made["url"]]
    assert listed["Cache-Control"] == "no-store"
    assert Event.objects.of(organization.pk).filter(action="connect_link.exported").count() == 1


def test_an_address_is_not_read_again_with_write(api, made, one):
    """It was in the answer that made the link; everybody else's needs the scope secrets."""
    assert made["url"]
    assert api.get(one).json()["url"] is None
    assert api.patch(one, {"name": "Other"}).json()["url"] is None
    assert api.get(URL, urls="true").status_code == 403


def test_who_only_reads_gets_no_address(make_client, organization, made, one):
    reads = make_client(organization, Scope.READ)

    assert reads.get(one).json()["url"] is None
    assert reads.get(URL, urls="true").status_code == 403
    assert reads.post(URL, NEW).status_code == 403
    assert reads.delete(one).status_code == 403


def test_a_list_takes_as_many_queries_for_many_rows(
    api, organization, django_assert_max_num_queries
):
    for _ in range(20):
        api.post(URL, NEW)

    with django_assert_max_num_queries(4):
        assert len(api.get(URL).json()["data"]) == 20
