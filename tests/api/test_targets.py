"""/v1/targets/postgres"""

import threading

import pytest
from django.db import connection

from sequin_admin.credentials.properties import MASK
from sequin_admin.syncs import consumers
from sequin_admin.syncs.models import Target
from tests.impostor_server import ask_for_many_rounds
from tests.patience import PATIENCE_S

URL = "/v1/targets/postgres"
PASSWORD = "spice-must-flow-0123456789"
PLACE = {
    "host": "db.arrakis.test",
    "port": 5432,
    "database": "spice",
    "username": "sequin",
    "password": PASSWORD,
}
WAREHOUSE = {"name": "Warehouse", "connection": PLACE}


def test_from_creation_to_deletion(api):
    made = api.post(URL, {**WAREHOUSE, "schema": "records", "metadata": {"team": "data"}})
    assert made.status_code == 201, made.content
    one, shown = f"{URL}/{made.json()['id']}", made.json()

    assert shown["kind"] == "postgres"
    assert shown["connection"] == {**PLACE, "password": MASK}
    assert (shown["schema"], shown["ssl_mode"]) == ("records", "prefer")
    assert shown["health"] == {"status": "healthy"}
    assert api.get(one).json() == shown
    assert api.patch(one, {"name": "Lake", "ssl_mode": None}).json()["name"] == "Lake"
    assert [row["name"] for row in api.get(URL, search="lak").json()["data"]] == ["Lake"]
    assert api.get(URL, metadata='{"team": "sales"}').json()["data"] == []
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"host": "a,b"}, "connection.host"),
        ({"host": "/tmp"}, "connection.host"),
        ({"host": "169.254.169.254"}, "connection.host"),
        ({"host": "2852039166"}, "connection.host"),
        ({"port": 0}, "connection.port"),
        ({"database": ""}, "connection.database"),
        ({"password": ""}, "connection.password"),
        ({"sslmode": "disable"}, "connection.sslmode"),
    ],
)
def test_what_is_wrong_is_named(api, change, path):
    answer = api.post(URL, {**WAREHOUSE, "connection": {**PLACE, **change}})

    assert answer.status_code == 422
    assert path in answer.json()["validation_errors"]
    assert PASSWORD not in answer.content.decode()


def test_a_kept_password_goes_to_no_other_host(api):
    one = f"{URL}/{api.post(URL, WAREHOUSE).json()['id']}"

    answer = api.patch(one, {"connection": {"host": "evil.test"}})

    assert answer.status_code == 422
    assert "connection.password" in answer.json()["validation_errors"]
    both = {"connection": {"host": "new.arrakis.test", "password": "another-one"}}
    assert api.patch(one, both).json()["connection"]["host"] == "new.arrakis.test"


def test_one_in_use_answers_409_and_names_who(api, organization):
    made = api.post(URL, WAREHOUSE).json()
    target = Target.objects.get(pk=made["id"])
    consumers.create(organization, actor=None, name="Nightly", target=target)

    answer = api.delete(f"{URL}/{made['id']}")

    assert answer.status_code == 409
    assert "Nightly" in answer.json()["summary"]


def test_a_test_connects_for_real(api, database_server, settings):
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    place = {**PLACE, "host": database_server.host, "port": database_server.port}
    one = f"{URL}/{api.post(URL, {**WAREHOUSE, 'connection': place}).json()['id']}"

    good = api.post(f"{one}/test_connection").json()
    api.patch(one, {"connection": {"password": "wrong"}})
    bad = api.post(f"{one}/test_connection").json()

    assert good["success"] is True
    assert "reason" not in good
    assert bad["success"] is False
    assert "does not accept this username and password" in bad["reason"]
    assert api.get(one).json()["health"] == {"status": "sequin_intervention"}


@pytest.mark.django_db(transaction=True)
def test_eight_tests_of_a_hostile_server_stop_nothing(api, settings, impostor):
    """Each would compute for minutes. Two are tested, for seconds; the others are told to wait."""
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    place = {**PLACE, "host": "127.0.0.1", "port": impostor(ask_for_many_rounds)}
    hostile = {**WAREHOUSE, "connection": place, "ssl_mode": "disable"}
    made = [api.post(URL, hostile).json()["id"] for _ in range(8)]
    answers = []

    def call(pk):
        try:
            answers.append(api.post(f"{URL}/{pk}/test_connection"))
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=[pk]) for pk in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    tested = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert (len(tested), len(refused)) == (2, 6)
    assert not any(answer.json()["success"] for answer in tested)
    assert all(answer["Retry-After"] == "5" for answer in refused)
    assert "Try again" in refused[0].json()["summary"]
    assert not Target.objects.exclude(lease_until=None).exists()


def test_an_old_version_is_not_overwritten(api):
    made = api.post(URL, WAREHOUSE)
    one, seen = f"{URL}/{made.json()['id']}", {"If-Match": made["ETag"]}
    api.patch(one, {"name": "Lake"})

    assert api.call("PATCH", one, {"name": "Pond"}, headers=seen).status_code == 412
    assert api.call("DELETE", one, headers=seen).status_code == 412
