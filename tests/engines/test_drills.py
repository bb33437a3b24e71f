"""Syncs of dlt against accounts that live, compared row for row with what the simulator knows."""

import signal

import pytest

from sequin_admin.health import probes
from sequin_admin.syncs.models import Run, RunStatus

pytestmark = [
    pytest.mark.faults,
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
]
SPICE = "tblSpice000000001"
# How many HubSpot allows an account in a second.
SEARCHES = 5


def test_rows_are_created_updated_and_deleted(world):
    """By Stripe's feed, HubSpot's archived list and a sweep of Airtable's table."""
    made = [
        world.sync("stripe_key", "customer", "charge"),
        world.sync("hubspot_oauth2", "contact"),
        world.sync("airtable_oauth2", SPICE),
    ]
    world.start()
    world.finish(*made)
    before = [world.check(sync) for sync in made]

    for sync in made:
        world.live(sync)
    world.finish(*made)

    for sync, rows in zip(made, before, strict=True):
        after = world.check(sync)
        assert after.keys() - rows.keys(), "none was created"
        # A charge stays for ever.
        assert rows.keys() - after.keys() or sync.provider == "stripe"
        assert any(rows[key] != after[key] for key in rows.keys() & after.keys())


def test_a_token_that_ends_in_mid_run_is_replaced(world):
    sync = world.sync("hubspot_oauth2", "contact", rows=1_500)
    world.limit(sync, calls_a_second=SEARCHES)
    world.start()
    world.wait_for_run(sync)

    world.simulator.act("hubspot", world.account(sync), "expire")
    world.finish(sync)

    world.check(sync)
    assert Run.objects.filter(sync=sync, status=RunStatus.FAILED).count() == 0
    calls = world.simulator.calls("hubspot")
    assert len([call for call in calls if call["status"] == 401]) <= 1


@pytest.mark.parametrize("drill", ["throttle_storm", "outage"])
def test_a_provider_that_is_busy_or_down_is_waited_for(world, drill):
    sync = world.sync("stripe_key", "customer", rows=1_500)
    world.start()
    world.wait_for_run(sync)

    world.simulator.post("drills", provider="stripe", name=drill, for_s=2)
    world.finish(sync)

    world.check(sync, throttled=drill == "throttle_storm")
    assert Run.objects.filter(sync=sync, status=RunStatus.FAILED).count() == 0


def test_a_target_goes_away_and_comes_back(world):
    sync = world.sync("stripe_key", "customer", rows=1_500)
    world.start()
    world.wait_for_run(sync)

    world.server.run("pg_ctl", "-D", str(world.server.folder), "-m", "immediate", "stop")
    world.wait(lambda: world.latest(sync).status == RunStatus.FAILED)
    failed = world.latest(sync)
    world.server.start()
    world.finish(sync)

    world.check(sync)
    assert failed.error["of"] == "target"


def kill_again_and_again(world, times):
    """Kill the worker by turns when it has begun, and when it has reported a round of 1,000."""
    sync = world.sync("stripe_key", "customer", rows=1_000 * (times // 2 + 2))
    # Who is killed keeps its permits, which would be all that may be held at once.
    world.limit(sync, calls_a_second=20)
    for number in range(times):
        process = world.start()
        world.wait_for_run(sync, more=0 if number % 2 else -1)
        world.kill(process)
    world.start()
    world.finish(sync)
    world.check(sync)
    assert Run.objects.filter(sync=sync, status=RunStatus.LOST).count() == times


def test_workers_that_are_killed_lose_nothing(world):
    kill_again_and_again(world, 5)


@pytest.mark.drills
def test_workers_that_are_killed_fifty_times_lose_nothing(world):
    kill_again_and_again(world, 50)


def test_a_stopped_worker_writes_nothing_after_another_has_taken_over(world):
    sync = world.sync("stripe_key", "customer", rows=3_000)
    first = world.start()
    world.wait_for_run(sync)
    first.send_signal(signal.SIGSTOP)
    lost = world.latest(sync)

    world.expire_leases()
    world.start()
    world.finish(sync)
    written = world.versions(sync, "customer")
    first.send_signal(signal.SIGCONT)
    world.wait(lambda: world.log().read_text())

    lost.refresh_from_db()
    assert lost.status == RunStatus.LOST
    assert world.versions(sync, "customer") == written
    world.check(sync)


def test_a_field_is_added_and_one_changes_its_type(world):
    sync = world.sync("airtable_oauth2", SPICE)
    world.start()
    world.finish(sync)

    for name in ("new_field", "field_type"):
        world.simulator.post("drills", provider="airtable", name=name, for_s=3_600)
    world.finish(sync)

    rows = world.check(sync)
    assert {"loyalty_tier", "Amount"} <= next(iter(rows.values()))["fields"].keys()
    view = f'SELECT "Amount", loyalty_tier FROM "{world.schema(sync)}".{SPICE.lower()}'
    shown = world.server.sql(view, "warehouse")
    assert {type(amount) for amount, _ in shown} == {str}
    assert {tier for _, tier in shown} == {"gold"}


def test_processes_and_syncs_of_one_credential_keep_its_limit(world):
    first = world.sync("hubspot_oauth2", "contact", rows=600)
    world.limit(first, calls_a_second=SEARCHES)
    others = [world.sync("", "contact", of=first, rows=600) for _ in range(3)]
    world.start()
    world.start()

    world.finish(first, *others)

    for sync in (first, *others):
        world.check(sync)


def test_an_account_that_is_revoked_is_told_as_such(world):
    sync = world.sync("hubspot_oauth2", "contact", rows=1_500)
    world.limit(sync, calls_a_second=SEARCHES)
    world.start()
    world.wait_for_run(sync)

    world.simulator.act("hubspot", world.account(sync), "revoke")
    world.wait(lambda: world.latest(sync).status == RunStatus.FAILED)

    run = world.latest(sync)
    probes.verify(sync.credential)
    sync.credential.refresh_from_db()
    assert world.refused("hubspot") == []
    assert "customer" in run.error["message"]
    assert sync.credential.health_status == "customer_intervention"
