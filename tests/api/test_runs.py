"""Runs: claimed, reported, and what the scope gives while one is held."""

import threading
from datetime import timedelta

import pytest

from sequin_admin.access import endings
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.syncs import runs
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.syncs import consumers
from sequin_admin.syncs.models import CollectionState, Run, RunSlot, RunStatus, Sync
from tests.factories import make_credential, make_synced

URL = "/v1/syncs/runs"
COLLECTION = "stripe:customer"


@pytest.fixture
def synced(organization):
    credential = make_credential(organization, "stripe_key", name="Arrakis")
    return make_synced(credential, collection_ids=[COLLECTION])


@pytest.fixture
def engine(make_client, organization):
    return make_client(organization, Scope.RUNS)


def claim(client, **wanted):
    answer = client.post(f"{URL}/claim", wanted)
    assert answer.status_code == 200, answer.content
    return answer.json()


def report(client, run, **body):
    return client.post(f"{URL}/{run['id']}/report", {"fence": run["fence"], **body})


def test_a_due_run_is_claimed_once(engine, synced):
    sync, target, consumer = synced

    answer = claim(engine)

    run = answer["run"]
    assert (run["sync_id"], run["consumer_id"]) == (str(sync.pk), str(consumer.pk))
    assert (run["target_id"], run["status"], run["fence"]) == (str(target.pk), "running", 1)
    assert answer["collections"] == [
        {
            "collection_id": COLLECTION,
            "name": "Customer",
            "cursor": None,
            "generation": 1,
            "swap_from": None,
        }
    ]
    assert claim(engine) == {"run": None, "collections": []}


def test_who_gets_no_run_learns_when_to_ask_again(engine, synced):
    taken, none = (engine.post(f"{URL}/claim", {}) for _ in range(2))

    assert "Retry-After" not in taken.headers
    assert none.headers["Retry-After"] == "5"


def test_a_claim_without_a_body_is_told_what_to_send(engine):
    answer = engine.post(f"{URL}/claim")

    assert answer.status_code == 422
    assert answer.json()["validation_errors"] == {
        "body": ["There is no body. Send a JSON object, {} if you set nothing."]
    }


def test_two_consumers_of_a_sync_are_two_runs(engine, synced, organization):
    _, target, first = synced
    second = consumers.create(organization, actor=None, name="2nd", target=target, all_syncs=True)

    runs = [claim(engine)["run"], claim(engine)["run"]]

    assert {run["consumer_id"] for run in runs} == {str(first.pk), str(second.pk)}


@pytest.mark.parametrize("name", ["sync_ids", "consumer_ids", "providers"])
def test_a_worker_takes_what_it_wants(engine, synced, name):
    sync, _, consumer = synced
    mine = {"sync_ids": str(sync.pk), "consumer_ids": str(consumer.pk), "providers": "stripe"}
    others = {"sync_ids": str(consumer.pk), "consumer_ids": str(sync.pk), "providers": "hubspot"}

    assert claim(engine, **{name: [others[name]]})["run"] is None
    assert claim(engine, **{name: [mine[name]]})["run"]


def test_a_cursor_is_where_the_next_run_begins(engine, synced):
    run = claim(engine)["run"]
    sent = {"collection_id": COLLECTION, "cursor": {"created": 7}, "rows_read": 10, "lag_s": 3}

    answer = report(engine, run, collections=[sent, {**sent, "cursor": [8]}])
    ended = report(engine, run, status="succeeded")

    assert answer.json()["requests"] == []
    assert answer.json()["lease_until"] >= run["lease_until"]
    assert ended.json() == {"lease_until": None, "requests": []}
    RunSlot.objects.update(due_at=clock.now())
    again = claim(engine)
    assert (again["collections"][0]["cursor"], again["run"]["fence"]) == ([8], 2)
    sync = Sync.objects.get()
    assert (sync.rows_total, sync.lag_s, sync.health_status) == (20, 3, "healthy")


def test_a_report_after_the_run_ended_or_with_another_fence_is_refused(engine, synced):
    run = claim(engine)["run"]

    other = report(engine, {**run, "fence": 7})
    report(engine, run, status="succeeded")
    ended = report(engine, run)

    assert other.status_code == ended.status_code == 409
    assert "The fence of" in other.json()["summary"]
    assert "has ended as succeeded" in ended.json()["summary"]


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({"collection_id": "stripe:other"}, "collections.0.collection_id"),
        ({"collection_id": COLLECTION, "cursor": "x" * 20_000}, "collections.0.cursor"),
        ({"collection_id": COLLECTION, "generation": 2}, "collections.0.generation"),
        ({"collection_id": COLLECTION, "rows_read": -1}, "collections.0.rows_read"),
        ({"collection_id": COLLECTION, "deletes": "magic"}, "collections.0.deletes"),
    ],
)
def test_a_wrong_report_names_the_field_and_changes_nothing(engine, synced, sent, path):
    run = claim(engine)["run"]

    answer = report(engine, run, collections=[{"collection_id": COLLECTION, "cursor": 1}, sent])

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [path.replace(".0.", ".1.")]
    assert CollectionState.objects.get().cursor is None


def test_a_cursor_that_is_nested_too_deeply_is_told_in_short(engine, synced):
    run = claim(engine)["run"]
    cursor = None
    for _ in range(400):
        cursor = [cursor]

    answer = report(engine, run, collections=[{"collection_id": COLLECTION, "cursor": cursor}])

    ((path, sentences),) = answer.json()["validation_errors"].items()
    assert path.startswith("collections.0.cursor.")
    assert len(path) < 200
    assert sentences == ["The JSON is nested too deeply. Flatten it."]


@pytest.mark.parametrize("name", ["rows_read", "rows_written", "rows_deleted"])
def test_one_report_tells_no_more_rows_than_can_be_counted(engine, synced, name):
    run = claim(engine)["run"]
    sent = {"collection_id": COLLECTION, name: 10**12}

    answer = report(engine, run, collections=[sent, sent])

    assert list(answer.json()["validation_errors"]) == ["collections"]
    assert report(engine, run, collections=[sent]).status_code == 200


def test_the_scope_alone_reads_no_token_no_permit_and_no_target(engine, synced, make_client):
    credential = synced[0].credential

    assert engine.get(f"/v1/credentials/{credential.pk}/token").status_code == 403
    assert engine.post(f"/v1/credentials/{credential.pk}/permits", {}).status_code == 403
    assert engine.get(f"/v1/syncs/{synced[0].pk}").status_code == 403
    assert engine.get(URL).status_code == 403


def test_while_it_is_held_a_run_gives_what_it_needs_and_audits_it_once(
    engine, synced, organization, settings, make_client
):
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    sync, target, _ = synced
    # Another port than that of our own database.
    target.host, target.port = "127.0.0.1", 25432
    target.secrets = {"password": "spice-must-flow"}
    target.save()
    other = make_credential(organization, "stripe_key", name="Caladan")
    run = claim(engine)["run"]
    token = f"/v1/credentials/{sync.credential_id}/token"

    answers = [engine.get(token) for _ in range(2)]
    permit = engine.post(f"/v1/credentials/{sync.credential_id}/permits", {})
    places = [engine.get(f"{URL}/{run['id']}/target") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert permit.status_code == 200
    assert engine.get(f"/v1/credentials/{other.pk}/token").status_code == 403
    read = Event.objects.filter(action="credential.token_read")
    assert [event.details["run"] for event in read] == [run["id"]]
    assert places[0].json() == {
        **{"host": "127.0.0.1", "hostaddr": "127.0.0.1", "port": 25432, "database": "spice"},
        **{"username": "sequin", "password": "spice-must-flow", "schema": ""},
        **{"ssl_mode": "prefer", "ssl_root_cert": None},
    }
    assert places[1]["Cache-Control"] == "no-store"
    read = Event.objects.filter(action="target.password_read")
    assert [event.details["run"] for event in read] == [run["id"]]
    assert make_client(organization, Scope.RUNS).get(f"{URL}/{run['id']}/target").status_code == 409
    report(engine, run, status="succeeded")
    assert engine.get(token).status_code == 403
    assert engine.get(f"{URL}/{run['id']}/target").status_code == 409


def test_a_lapsed_lease_gives_nothing(engine, synced):
    claim(engine)
    RunSlot.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    answer = engine.get(f"/v1/credentials/{synced[0].credential_id}/token")

    assert answer.status_code == 403
    assert "holds no run of this credential now" in answer.json()["summary"]
    assert "a key with the scope secrets" in answer.json()["summary"]


def test_another_key_can_not_report_a_run(engine, synced, make_client, organization):
    run = claim(engine)["run"]
    other = make_client(organization, Scope.RUNS)

    answer = report(other, run)

    assert answer.status_code == 409
    assert "another API key" in answer.json()["summary"]


def test_runs_are_listed_and_shown_with_their_log(engine, synced, api):
    run = claim(engine)["run"]
    secret = synced[0].credential.secrets["secret"]
    report(engine, run, log=[f"Page 1 with {secret}.", "x" * 900, "y" * 490 + secret])

    (listed,) = api.get(URL, status="running", provider="stripe").json()["data"]
    shown = api.get(f"{URL}/{run['id']}").json()

    assert listed["id"] == run["id"]
    assert secret not in shown["log"][0]["line"]
    assert len(shown["log"][1]["line"]) == 500
    assert shown["log"][2]["line"] == "y" * 490 + "*" * 10
    assert api.get(URL, status="lost").json()["data"] == []


def test_no_part_of_an_error_shows_a_secret(engine, synced, api):
    run = claim(engine)["run"]
    secret = synced[0].credential.secrets["secret"]
    words = {"owner": "operator", "code": secret[:60], "message": f"Refused {secret}."}

    report(engine, run, status="failed", error={**words, "of": "source"})

    assert secret[:60] not in api.get(f"{URL}/{run['id']}").content.decode()


def test_a_paused_sync_asks_its_worker_to_end_and_starts_none(engine, synced, api):
    run = claim(engine)["run"]

    paused = api.post(f"/v1/syncs/{synced[0].pk}/pause").json()

    assert paused["paused"] is True
    assert api.get(URL).json()["data"][0]["requests"][0]["kind"] == "pause"
    assert [r["kind"] for r in report(engine, run).json()["requests"]] == ["pause"]
    report(engine, run, status="cancelled")
    assert claim(engine)["run"] is None
    api.post(f"/v1/syncs/{synced[0].pk}/resume")
    assert claim(engine)["run"]


def test_a_cancelled_run_is_asked_to_end(engine, synced, api):
    run = claim(engine)["run"]

    answer = api.post(f"{URL}/{run['id']}/cancel")

    assert answer.status_code == 200
    assert [r["kind"] for r in report(engine, run).json()["requests"]] == ["cancel"]
    report(engine, run, status="cancelled")
    assert api.post(f"{URL}/{run['id']}/cancel").status_code == 409


def test_a_resync_fills_another_generation_beside_the_old(engine, synced, api):
    run = claim(engine)["run"]
    report(engine, run, collections=[{"collection_id": COLLECTION, "cursor": 5}])

    api.post(f"/v1/syncs/{synced[0].pk}/resync", {"collection_id": COLLECTION})

    asked = report(engine, run, collections=[{"collection_id": COLLECTION, "cursor": 6}]).json()
    assert asked["requests"] == [
        {"kind": "resync", "collection_id": COLLECTION, "generation": 2, "swap_from": 1}
    ]
    report(engine, run, status="succeeded")
    held = claim(engine)
    (collection,) = held["collections"]
    assert (collection["cursor"], collection["generation"], collection["swap_from"]) == (None, 2, 1)
    report(
        engine,
        held["run"],
        status="succeeded",
        collections=[{"collection_id": COLLECTION, "generation": 2, "completed": True}],
    )
    state = CollectionState.objects.get()
    assert (state.generation, state.swap_from) == (2, None)


def test_a_resync_names_a_collection_of_the_sync(synced, api):
    answer = api.post(f"/v1/syncs/{synced[0].pk}/resync", {"collection_id": "stripe:plan"})

    assert answer.status_code == 422


def test_a_report_without_a_claim_is_a_run(synced, api):
    api.post(f"/v1/syncs/{synced[0].pk}/report", {"rows": 3})

    run = Run.objects.get()
    assert (run.status, run.consumer, run.rows_read) == (RunStatus.SUCCEEDED, None, 3)


def test_who_waits_gets_the_run_that_becomes_due(engine, synced, monkeypatch):
    report(engine, claim(engine)["run"], status="succeeded")
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        RunSlot.objects.update(due_at=clock.now())

    monkeypatch.setattr(runs.time, "sleep", sleep)

    assert claim(engine, wait_s=20)["run"]["fence"] == 2
    assert pauses == [runs.POLL_S]


@pytest.mark.parametrize("places", ["claim_polls", "long_polls"])
def test_without_a_place_nobody_waits(engine, monkeypatch, places):
    monkeypatch.setattr(runs, places, threading.BoundedSemaphore(1))
    getattr(runs, places).acquire()
    monkeypatch.setattr(runs.time, "sleep", lambda seconds: pytest.fail("It waits."))

    assert claim(engine, wait_s=20)["run"] is None


def test_half_of_the_places_are_left_for_permits():
    assert 2 * runs.claim_polls._initial_value <= runs.long_polls._initial_value


def test_a_place_is_free_again(engine, monkeypatch):
    monkeypatch.setattr(runs, "claim_polls", threading.BoundedSemaphore(1))
    monkeypatch.setattr(runs, "long_polls", threading.BoundedSemaphore(1))

    for _ in range(2):
        claim(engine, wait_s=0.01)

    assert runs.claim_polls.acquire(blocking=False)
    assert runs.long_polls.acquire(blocking=False)


def test_a_key_that_ends_while_it_waits_gets_no_run(engine, synced, monkeypatch):
    report(engine, claim(engine)["run"], status="succeeded")

    def sleep(seconds):
        RunSlot.objects.update(due_at=clock.now())
        ApiKey.objects.update(revoked_at=clock.now())

    monkeypatch.setattr(runs.time, "sleep", sleep)

    assert engine.post(f"{URL}/claim", {"wait_s": 20}).status_code == 401
    assert not Run.objects.running().exists()


@pytest.mark.parametrize(
    ("model", "columns", "state"),
    [
        ("sync", {"disabled_at": True}, "disabled"),
        ("sync", {"paused_at": True}, "paused"),
        ("consumer", {"disabled_at": True}, "disabled"),
        ("credential", {"disabled_at": True}, "blocked"),
        ("credential", {"health_status": "customer_intervention"}, "blocked"),
        ("target", {"health_status": "sequin_intervention"}, "blocked"),
        ("slot", {"stopped_at": True}, "stopped"),
    ],
)
def test_a_run_that_can_not_work_is_not_due_and_the_schedule_says_why(
    engine, api, synced, model, columns, state
):
    sync, target, consumer = synced
    report(engine, claim(engine)["run"], status="cancelled")
    rows = {"sync": sync, "target": target, "consumer": consumer}
    rows |= {"credential": sync.credential, "slot": RunSlot.objects.get()}
    columns = {n: clock.now() if v is True else v for n, v in columns.items()}
    if model == "slot":
        columns["stop_sentence"] = "We must act."
    type(rows[model])._base_manager.filter(pk=rows[model].pk).update(**columns)

    assert claim(engine)["run"] is None
    (pair,) = api.get(f"/v1/syncs/{sync.pk}/schedule").json()["data"]
    assert (pair["state"], pair["due_at"]) == (state, None)
    assert pair["reason"].endswith((".", "at once."))


def test_the_schedule_writes_nothing(api, synced):
    (pair,) = api.get(f"/v1/syncs/{synced[0].pk}/schedule").json()["data"]

    assert (pair["state"], pair["failures"]) == ("due", 0)
    assert not RunSlot.objects.exists()


def test_another_frequency_moves_the_next_run(engine, api, synced):
    sync = synced[0]
    api.patch(f"/v1/syncs/{sync.pk}", {"sync_frequency": "1d"})
    report(engine, claim(engine)["run"], status="succeeded")
    before = RunSlot.objects.get().due_at

    api.patch(f"/v1/syncs/{sync.pk}", {"sync_frequency": "15m"})

    after = RunSlot.objects.get().due_at
    assert (before - after).total_seconds() == pytest.approx(86_400 - 900, abs=1)


def test_of_an_organization_that_ends_nothing_is_claimed(engine, synced, organization, user):
    endings.ask(organization, actor=user)

    assert engine.post(f"{URL}/claim", {}).status_code == 403


def test_a_deleted_consumers_run_is_over(engine, api, synced):
    run = claim(engine)["run"]

    api.delete(f"/v1/consumers/postgres/{synced[2].pk}")

    answer = report(engine, run)
    assert answer.status_code == 409
    assert "has ended as cancelled" in answer.json()["summary"]


def test_a_worker_whose_sync_is_disabled_is_asked_to_end(engine, api, synced):
    run = claim(engine)["run"]

    api.patch(f"/v1/syncs/{synced[0].pk}", {"status": "disabled"})

    assert [r["kind"] for r in report(engine, run).json()["requests"]] == ["cancel"]


def test_what_people_ask_is_audited(engine, api, synced):
    run, sync = claim(engine)["run"], f"/v1/syncs/{synced[0].pk}"
    report(
        engine,
        run,
        collections=[
            {"collection_id": COLLECTION, "deletes": "sweep", "full_pass": True, "rows_seen": 1}
            | {"rows_to_delete": 9}
        ],
    )

    for path, body in (
        (f"{URL}/{run['id']}/cancel", None),
        (f"{sync}/confirm-deletes", {}),
        (f"{sync}/resync", {"collection_id": COLLECTION}),
        (f"{sync}/pause", None),
        (f"{sync}/resume", None),
    ):
        assert api.post(path, body).status_code == 200

    told = Event.objects.filter(action__startswith="sync.").order_by("id")
    assert [event.action for event in told][-5:] == [
        *("sync.run_cancelled", "sync.deletes_confirmed", "sync.resync_requested"),
        *("sync.paused", "sync.resumed"),
    ]
