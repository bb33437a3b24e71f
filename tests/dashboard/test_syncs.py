"""The pages of syncs, targets, consumers and collections."""

from datetime import timedelta

import pytest

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.dashboard.templatetags.ui import badge_part
from sequin_admin.health import history, rollup
from sequin_admin.health.models import Transition, subject_columns
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.syncs import postgres, reports, syncs, targets
from sequin_admin.syncs.models import Consumer, Sync, Target
from tests.dashboard.conftest import address
from tests.edit_forms import submit
from tests.factories import make_credential, make_synced

PASSWORD = "spice-must-flow-0123456789"
PLACE = {
    "name": "Warehouse",
    "host": "db.arrakis.test",
    "port": "5432",
    "database": "spice",
    "username": "sequin",
    "ssl_mode": "prefer",
}


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", name="Arrakis")


@pytest.fixture
def world(credential):
    return make_synced(credential)


def test_empty_lists_say_what_to_do(owner):
    assert "Add a sync" in owner.get("/syncs/").content.decode()
    assert "Add a target" in owner.get("/targets/").content.decode()
    assert "Add a consumer" in owner.get("/consumers/").content.decode()
    assert "Connect an account" in owner.get("/syncs/new/").content.decode()
    assert "First a target" in owner.get("/consumers/new/").content.decode()


def test_a_sync_is_made_by_ticking_collections(owner, credential):
    url = address("add_sync", credential.pk)
    assert "Invoice (stripe:invoice)" in owner.get(url).content.decode()
    sent = {
        "name": "Invoices",
        "collections": ["stripe:invoice", "stripe:customer"],
        "others": "stripe:report",
        "sync_frequency": "4h",
        "allowed_requests": "1",
        "interval": "1000",
    }

    answer = owner.post(url, sent)

    sync = Sync.objects.get()
    assert answer["Location"] == address("sync", sync.pk)
    assert sync.collection_ids == ["stripe:invoice", "stripe:customer", "stripe:report"]
    assert sync.rate_limit["allowed_requests"] == 1
    shown = owner.get(address("sync_edit", sync.pk)).content.decode()
    assert shown.count("checked") == 2
    assert "stripe:report" in shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"others": "hubspot:contact"}, "another provider"),
        ({"sync_frequency": "often"}, "4h every 4 hours"),
        ({"allowed_requests": "99999", "interval": "1000"}, "may only narrow"),
        ({"allowed_requests": "5"}, "both requests and interval"),
        ({"name": ""}, "required"),
    ],
)
def test_a_sync_that_can_not_be_is_explained_at_the_field(owner, credential, change, said):
    sent = {"name": "x", "sync_frequency": "continuous", **change}

    answer = owner.post(address("add_sync", credential.pk), sent)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Sync.objects.exists()


def test_a_sync_is_disabled_enabled_and_deleted(owner, credential):
    sync = syncs.create(credential, actor=None, name="Invoices")

    owner.post(address("sync_disable", sync.pk))
    assert "Disabled" in owner.get(address("sync", sync.pk)).content.decode()
    owner.post(address("sync_enable", sync.pk))
    sync.refresh_from_db()
    assert sync.status == "active"
    owner.post(address("sync_delete", sync.pk))

    assert not Sync.objects.exists()


def test_who_uses_what_is_shown_on_every_page(owner, world, credential):
    sync, target, consumer = world

    assert "To the warehouse" in owner.get(address("target", target.pk)).content.decode()
    assert "To the warehouse" in owner.get(address("sync", sync.pk)).content.decode()
    shown = owner.get(address("consumer", consumer.pk)).content.decode()
    assert "Warehouse" in shown
    assert "Invoices" in shown
    assert "Invoices" in owner.get(address("credential_syncs", credential.pk)).content.decode()


def test_a_target_is_saved_and_tested_soon(owner, database_server, settings):
    """The page does not wait for the server: it polls while a worker tests."""
    settings.TARGET_NETWORKS = ["127.0.0.0/8"]
    place = {**PLACE, "host": database_server.host, "port": database_server.port}

    answer = owner.post("/targets/new/", {**place, "password": PASSWORD}, follow=True)
    (target,) = targets.claim_due(5)
    meanwhile = owner.get("/badges/", {"front": f"target:{target.pk}"})
    targets.verify_claimed(target)
    after = owner.get("/badges/", {"front": f"target:{target.pk}"})

    page = answer.content.decode()
    assert PASSWORD not in page
    assert "spic...6789" in page
    for waiting in (page, meanwhile.content.decode()):
        assert "is being tested" in waiting
        assert "data-soon" in waiting
    assert "data-soon" not in after.content.decode()
    assert Target.objects.get().health_status == "healthy"


def test_asking_for_a_test_is_answered_at_once(owner, world, monkeypatch):
    target = world[1]
    Target.objects.update(check_due_at=clock.now() + timedelta(minutes=9))
    monkeypatch.setattr(postgres, "check_connection", None)

    answer = owner.post(address("target_test", target.pk), follow=True)

    assert "is being tested" in answer.content.decode()
    assert list(targets.claim_due(5)) == [target]
    assert Event.objects.filter(action="target.test_requested").exists()


def test_a_page_does_not_wait_for_ever_for_a_worker(owner, world):
    Target.objects.update(check_due_at=clock.now() - timedelta(minutes=9))

    page = owner.get(address("target", world[1].pk)).content.decode()

    assert "data-soon" not in page


def test_the_password_never_comes_back_into_a_form(owner, world):
    target = world[1]

    page = owner.get(address("target_edit", target.pk)).content.decode()
    refused = owner.post("/targets/new/", {**PLACE, "password": PASSWORD, "port": "0"})

    assert PASSWORD not in page + refused.content.decode()
    assert "Enter the secret again" in refused.content.decode()


def test_another_host_takes_the_password_again(owner, world):
    target = world[1]
    sent = {**PLACE, "host": "evil.test"}

    answer = submit(owner, address("target_edit", target.pk), sent)

    assert answer.status_code == 422
    assert "Enter the password again" in answer.content.decode()
    target.refresh_from_db()
    assert target.host == "db.arrakis.test"


def test_a_consumer_is_made_of_chosen_syncs_or_of_all(owner, world):
    sync, target, _ = world
    sent = {"name": "Nightly", "target": target.pk, "syncs": [sync.pk], "active": "on"}

    owner.post("/consumers/new/", sent)
    made = Consumer.objects.get(name="Nightly")
    assert made.sync_ids() == [str(sync.pk)]
    submit(owner, address("consumer_edit", made.pk), {**sent, "syncs": [], "all_syncs": "on"})
    made.refresh_from_db()
    assert made.sync_ids() == ["*"]

    nothing = owner.post("/consumers/new/", {**sent, "syncs": []})
    assert "Choose at least one sync" in nothing.content.decode()


def test_nobody_takes_what_is_another_organizations(owner, world, stranger):
    other = Organization.objects.get(slug="giedi-prime")
    foreign_sync, foreign_target, _ = make_synced(make_credential(other, "stripe_key"))
    sent = {"name": "x", "target": foreign_target.pk, "syncs": [foreign_sync.pk]}

    answer = owner.post("/consumers/new/", sent)

    assert answer.status_code == 422
    assert Consumer.objects.of(other).count() == 1


@pytest.mark.parametrize("page", ["/syncs/", "/targets/", "/consumers/"])
def test_lists_search_and_ask_little(
    owner, world, organization, credential, page, django_assert_max_num_queries
):
    for number in range(20):
        sync = syncs.create(credential, actor=None, name=f"Sync {number}")
        consumer = Consumer.objects.create(
            organization=organization, name=f"Consumer {number}", target=world[1]
        )
        consumer.syncs.add(sync)

    with django_assert_max_num_queries(10):
        assert owner.get(page).status_code == 200
    assert "matches" in owner.get(page, {"q": "nothing like it"}).content.decode()
    known = "INV" if page == "/syncs/" else "WARE"
    assert "matches" not in owner.get(page, {"q": known}).content.decode()


@pytest.mark.parametrize("name", ["sync", "target", "consumer"])
def test_pages_of_one_ask_little(owner, world, name, django_assert_max_num_queries):
    row = dict(zip(("sync", "target", "consumer"), world, strict=True))[name]
    # The first visit also writes into the session that it was viewed.
    owner.get(address(name, row.pk))

    with django_assert_max_num_queries(10):
        assert owner.get(address(name, row.pk)).status_code == 200


def test_collections_are_a_card_of_the_credentials_page(owner, credential):
    page = owner.get(address("credential_syncs", credential.pk))

    assert "stripe:invoice" in page.content.decode()
    owner.post(address("collections_refresh", credential.pk))
    assert (
        "A worker is reading"
        in owner.get(address("credential_syncs", credential.pk)).content.decode()
    )


def test_a_sync_that_never_ran_is_not_healthy_but_not_running_yet(owner, world, client):
    sync, _, _ = world
    Sync.objects.update(health_status="healthy", badge_token="public")
    page, health = address("sync", sync.pk), f"/health/sync/{sync.pk}/"

    for seen in (page, health, "/syncs/"):
        html = owner.get(seen).content.decode()
        assert "Not running yet" in html
        assert "Everything works" not in html
    assert f"POST\n      /v1/syncs/{sync.pk}/report" in owner.get(page).content.decode()
    assert "nothing known yet" in owner.get(health).content.decode()
    assert "Not running yet" in client.get("/badge/public.svg").content.decode()

    reports.record_report(Sync.objects.get(), rows=1)

    html = owner.get(page).content.decode()
    assert "Not running yet" not in html
    assert "Everything works" in html


def test_without_a_consumer_the_next_step_is_to_add_one(owner, credential):
    sync = syncs.create(credential, actor=None, name="Invoices")
    Sync.objects.update(health_status="healthy")

    html = owner.get(address("sync", sync.pk)).content.decode()

    assert "add a consumer" in html


def test_the_api_keeps_one_of_the_three_statuses(api, world):
    """Though nothing hindered it, no time is known in which it worked."""
    sync, _, _ = world
    Sync.objects.update(health_status="healthy")
    at = clock.now() - timedelta(hours=50)
    Transition.objects.create(**subject_columns(sync), at=at, before="", after="healthy")

    shown = api.get(f"/v1/syncs/{sync.pk}/health").json()

    assert (shown["status"], shown["uptime"]) == ("healthy", None)


def test_a_message_about_a_sync_that_never_ran_does_not_say_that_it_works(world):
    sync, _, _ = world
    channel = {"name": "Hook", "kind": "webhook", "min_severity": "info"}
    Channel.objects.create(organization=sync.organization, **channel)

    rollup.notify_status_changes([(sync, rollup.ComputedStatus("healthy", "", "", None))])

    assert Delivery.objects.get().message.text == rollup.NOT_RUNNING


def test_who_polls_a_badge_sees_the_first_run(world):
    sync, _, _ = world
    sync.health_status = "healthy"
    token = badge_part(sync).token

    sync.first_report_at = clock.now()

    assert badge_part(sync).token != token


def test_uptime_begins_with_the_first_report(world):
    """It was broken before its worker first ran; nobody could know how it would do."""
    sync, _, _ = world
    now = clock.now()
    for before, after, hours in (("", "healthy", 50), ("healthy", "customer_intervention", 40)):
        at = now - timedelta(hours=hours)
        Transition.objects.create(
            **subject_columns(sync), at=at, before=before, after=after, code="x"
        )
    Transition.objects.create(
        **subject_columns(sync),
        at=now - timedelta(hours=20),
        before="customer_intervention",
        after="healthy",
    )
    sync.first_report_at = now - timedelta(hours=10)

    seen = history.get_history(sync, history.QUARTER)

    assert seen.uptime == 1
    assert seen.known.total_seconds() == pytest.approx(36_000, abs=5)
