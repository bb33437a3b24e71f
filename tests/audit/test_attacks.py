"""Attacks on the log past the product, by SQL: each is refused by the database, or found."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction

from sequin_admin.audit import sealing, triggers
from sequin_admin.audit.models import Event, record_change
from sequin_admin.audit.tables import ChainHead, Seal, SealKey, UnsealedEvent
from sequin_admin.audit.verification import Verification
from tests.parallel import AT_ONCE, in_parallel

pytestmark = pytest.mark.django_db
INSERT = (
    "INSERT INTO audit_event (id, organization_id, at, action, actor, actor_type, actor_id, "
    "target, target_type, target_id, details) SELECT %s, organization_id, at, 'forged', actor, "
    "actor_type, actor_id, target, target_type, target_id, details FROM audit_event WHERE id = %s"
)


@pytest.fixture
def events(organization, user):
    """Five sealed events of the organization in two seals, and one of the installation."""
    rows = [record_change(organization, f"test.{n}", user) for n in range(3)]
    sealing.seal_committed()
    rows += [record_change(organization, f"test.{n}", user) for n in range(3, 5)]
    record_change(None, "test.installation", None)
    sealing.seal_committed()
    return rows


def run_sql(sql, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


@contextmanager
def without_triggers():
    """As the owner of the database, who can switch them off and on again."""
    triggers.remove(connection)
    yield
    triggers.install(connection)


def find_broken(exported=()):
    found = Verification()
    found.run(list(exported))
    return found.broken


def test_what_nobody_touched_is_whole(events):
    found = Verification()
    found.run([])

    assert (found.broken, found.events, found.seals, found.waiting) == ([], 6, 3, 0)


REFUSED = (
    "UPDATE audit_event SET actor = 'nobody' WHERE id = %s",
    "DELETE FROM audit_event WHERE id = %s",
    "UPDATE audit_seal SET entries = '' WHERE first_id = %s",
    "DELETE FROM audit_seal WHERE first_id = %s",
    "DELETE FROM audit_sealkey WHERE id <> %s",
)


@pytest.mark.parametrize("sql", REFUSED)
def test_changes_are_refused(events, sql):
    pk = -1 if "sealkey" in sql else events[0].pk

    with pytest.raises(IntegrityError, match=r"append only|kept"):
        run_sql(sql, pk)

    assert find_broken() == []


def test_an_event_that_waits_for_its_seal_can_not_be_changed_either(organization):
    event = record_change(organization, "test.done", None)

    for sql in REFUSED[:2]:
        with pytest.raises(IntegrityError):
            run_sql(sql, event.pk)


def test_an_event_is_not_put_in_between(organization, events):
    gap = Event.objects.order_by("-pk")[0].pk + 1
    event = record_change(organization, "test.undone", None)
    triggers.remove(connection)
    Event.objects.filter(pk=event.pk)._raw_delete("default")
    UnsealedEvent.objects.all().delete()
    triggers.install(connection)
    record_change(organization, "test.later", None)
    sealing.seal_committed()

    with pytest.raises(IntegrityError, match="at the end"):
        run_sql(INSERT, gap, events[0].pk)
    with without_triggers():
        run_sql(INSERT, gap, events[0].pk)

    assert [f"event {gap} is in no seal" in each for each in find_broken()] == [True]


def test_what_the_owner_changes_is_found(organization, events):
    with without_triggers():
        run_sql("UPDATE audit_event SET actor = 'nobody' WHERE id = %s", events[1].pk)
        run_sql("DELETE FROM audit_event WHERE id = %s", events[4].pk)

    log = f"In the log of organization {organization.pk}"
    assert find_broken() == [
        f"{log} event {events[1].pk} was changed after it was sealed.",
        f"{log} event {events[4].pk} was deleted.",
    ]


@pytest.mark.parametrize(
    "column", ["address", "user_agent", "details", "at", "organization_id", "target_id"]
)
def test_every_column_is_sealed(organization, events, column):
    value = {"details": "'{}'", "at": "'2001-01-01 00:00:00+00:00'", "organization_id": "NULL"}
    event = record_change(organization, "test.done", None, said="so")
    sealing.seal_committed()
    with without_triggers():
        run_sql(
            f"UPDATE audit_event SET {column} = {value.get(column, repr('x'))} WHERE id = %s",
            event.pk,
        )

    assert any(f"event {event.pk} " in sentence for sentence in find_broken())


def test_a_deleted_event_with_its_seal_and_a_cut_end_are_found(organization, events, tmp_path):
    head = tmp_path / "head.jsonl"
    call_command("verify_audit", save_head=str(head), stdout=StringIO())
    with without_triggers():
        run_sql("DELETE FROM audit_event WHERE id = %s", events[4].pk)
        run_sql("DELETE FROM audit_event WHERE id = %s", events[3].pk)
        run_sql("DELETE FROM audit_seal WHERE last_id = %s", events[4].pk)

    assert ["the end was cut off" in sentence for sentence in find_broken()] == [True]

    # Who knows of the row that has the end cuts it, too: then only an exported one tells.
    first = Seal.objects.get(first_id=events[0].pk)
    ChainHead.objects.filter(chain=organization.pk).update(number=first.number, mac=first.mac)
    assert find_broken() == []
    with pytest.raises(CommandError, match="seal 2 was exported, 1 is last"):
        call_command("verify_audit", head=str(head), stdout=StringIO())

    record_change(organization, "test.later", None)
    sealing.seal_committed()
    with pytest.raises(CommandError, match="seal 2 is another one than was exported"):
        call_command("verify_audit", head=str(head), stdout=StringIO())


@pytest.mark.parametrize("number", [3, 99])
def test_a_forged_record_of_retention_is_found(organization, events, number):
    """It makes the triggers let events and seals go, and itself."""
    forged = Seal(chain=organization.pk, number=number, pruned_to=2, floor=10**9, key_id=1)
    Seal.objects.bulk_create([forged])
    run_sql("DELETE FROM audit_event WHERE organization_id IS NOT NULL")

    assert any(f"seal {number} of" in sentence for sentence in find_broken())

    Seal.objects.filter(chain=organization.pk, number__lte=2)._raw_delete("default")
    assert any(f"seal {number} of" in sentence for sentence in find_broken())


def test_a_seal_that_was_changed_or_left_out_is_found(organization, events):
    with without_triggers():
        run_sql("UPDATE audit_seal SET sealed_at = '2001-01-01' WHERE first_id = %s", events[0].pk)
    assert "seal 1 of 2001-01-01 00:00 UTC was changed" in find_broken()[0]

    with without_triggers():
        run_sql("DELETE FROM audit_seal WHERE first_id = %s", events[0].pk)
    assert "seals 1 to 1 are missing" in find_broken()[0]


def test_an_event_that_is_gone_before_its_seal_is_found(organization, events):
    event = record_change(organization, "test.done", None)
    with without_triggers():
        run_sql("DELETE FROM audit_event WHERE id = %s", event.pk)

    sealing.seal_committed()

    assert find_broken() == [f"In the log of the installation event {event.pk} was deleted."]


def test_missing_triggers_are_found(events):
    triggers.remove(connection)

    assert any("audit_event_update is missing" in sentence for sentence in find_broken())


def test_a_key_that_is_gone_is_found(events):
    with without_triggers():
        SealKey.objects.all().delete()

    assert "under key 1, which is missing" in find_broken()[0]


def test_seals_of_a_former_key_are_verified(organization, events):
    call_command("rotate_audit_key", stdout=StringIO())
    record_change(organization, "test.done", None)
    sealing.seal_committed()

    assert find_broken() == []
    assert Seal.objects.filter(key_id=2).count() == 2


def test_nothing_is_replaced(organization, events):
    """By SQLite's REPLACE, or by its kin that both have."""
    waiting = record_change(organization, "test.done", None)
    upsert = f"{INSERT} ON CONFLICT (id) DO UPDATE SET action = 'test.other'"
    replace = INSERT.replace("INSERT", "REPLACE")

    for statement in (upsert, replace)[: 2 if connection.vendor == "sqlite" else 1]:
        for pk in (events[0].pk, waiting.pk):
            with pytest.raises(IntegrityError), transaction.atomic():
                run_sql(statement, pk, events[1].pk)


@pytest.mark.django_db(transaction=True)
def test_two_chainers_at_once_seal_each_event_once(organization, monkeypatch):
    monkeypatch.setattr(sealing, "ROUND", 7)
    for number in range(40):
        record_change(organization, f"test.{number}", None)

    in_parallel(lambda _: sealing.seal_round(), range(AT_ONCE))
    sealing.seal_committed()

    numbers = list(Seal.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert sum(Seal.objects.values_list("events", flat=True)) == 40
    assert find_broken() == []


def in_a_thread(work):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: (work(), connections.close_all())[0]).result()


def record_and_seal(organization):
    event = record_change(organization, "test.quick", None)
    sealing.seal_committed()
    return event


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_with_a_lower_id_is_sealed_late(organization):
    with transaction.atomic():
        slow = record_change(organization, "test.slow", None)
        quick = in_a_thread(lambda: record_and_seal(organization))
        assert slow.pk < quick.pk
        assert list(Seal.objects.values_list("last_id", flat=True)) == [quick.pk]

    sealing.seal_committed()

    assert list(Seal.objects.order_by("number").values_list("last_id", flat=True)) == [
        *(quick.pk, slow.pk)
    ]
    assert find_broken() == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_has_drawn_an_id_may_be_slow_to_use_it(organization, events):
    """The sequence gave it to this session: a statement does both, and may be stopped between."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('audit_event', 'id'))")
        (drawn,) = cursor.fetchone()
    in_a_thread(lambda: record_and_seal(organization))

    run_sql(INSERT, drawn, events[0].pk)
    sealing.seal_committed()

    assert find_broken() == []
    with pytest.raises(IntegrityError):
        run_sql(INSERT, drawn - 1, events[0].pk)


def test_the_migration_lists_what_is_there(organization):
    migration = import_module("sequin_admin.audit.migrations.0004_triggers")
    with without_triggers():
        event = record_change(organization, "test.before", None)
        assert not UnsealedEvent.objects.exists()

        migration.list_and_guard(apps, None)

    sealing.seal_committed()
    assert Seal.objects.get().first_id == event.pk
    assert find_broken() == []
