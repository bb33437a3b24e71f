"""The demo organization, at a small size: seven accounts and a past of four days."""

from collections import Counter
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import SET_NULL

from sequin_admin.access import addresses
from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import Event
from sequin_admin.audit.tables import UnsealedEvent
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.connect.models.links import states
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.demo import removal
from sequin_admin.demo.models import Demo
from sequin_admin.health.models import Check, Incident, Outage, Transition
from sequin_admin.limits.models import Sample
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import ChannelKind, Delivery, DeliveryState
from sequin_admin.syncs import streams, syncs
from sequin_admin.syncs.models import Consumer, Sync, Target
from sequin_admin.tools.demo import episodes, history, story
from sequin_admin.tools.demo.customers import CUSTOMERS, places
from sequin_admin.tools.management.commands import demo as command

SIZE = {"credentials": 7, "days": 4}


@pytest.fixture
def login(monkeypatch, tmp_path, settings):
    monkeypatch.setattr(command, "LOGIN", tmp_path / "demo-login")
    monkeypatch.setattr(command, "WORKER_KEY", tmp_path / "demo-worker-key")
    return tmp_path / "demo-login"


@pytest.fixture
def demo(db, simulated, login):
    call_command("demo", **SIZE)
    return Demo.objects.get()


def count_rows():
    """The rows of every table but the audit log."""
    log = (Event, UnsealedEvent)
    counted = (m for m in apps.get_models() if not m._meta.proxy and m not in log)
    return {model._meta.label: model._base_manager.count() for model in counted}


def statuses():
    return {
        str(row.pk): (row.health_status, row.health_note)
        for model in (Credential, OAuthApp, Sync, Target)
        for row in model._base_manager.all()
    }


def test_it_shows_everything(demo, login, simulated):
    with_app = [provider for provider in kinds.providers() if kinds.oauth_of(provider)]
    providers = OAuthApp.objects.values_list("provider", flat=True)
    assert sorted(providers) == sorted([*with_app, "hubspot"])
    blamed = Counter(Credential.objects.values_list("health_status", flat=True))
    assert blamed == {"healthy": 4, "sequin_intervention": 2, "customer_intervention": 1}
    incidents = Incident.objects.open().values_list("entity", "affected")
    assert dict(incidents) == {"oauth_app": 2, "credential": 1, "target": 1}
    customers = set(Credential.objects.values_list("metadata__company", flat=True))
    assert customers <= {customer.name for customer in CUSTOMERS}
    links, now = ConnectLink.objects, clock.now()
    assert all(links.filter(of_state).exists() for of_state in states(now).values())
    assert set(states(now)) == set(LinkState)
    assert Sync.objects.count() == 7
    assert Consumer.objects.get().target == Target.objects.get()
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}
    # The log is read in the order in which it was written.
    written = list(Event.objects.order_by("pk").values_list("at", flat=True))
    assert written == sorted(written)
    there = clock.from_iso(simulated.state()["now"])
    assert abs(there - clock.now()) < timedelta(minutes=5)
    email, password = login.read_text().split()
    user = User.objects.get(email=email)
    assert user.check_password(password)
    assert addresses.has_confirmed(user, email)
    assert login.stat().st_mode & 0o777 == 0o600


def test_a_second_time_changes_nothing_and_one_that_was_cut_off_is_made_again(
    db, simulated, login, monkeypatch
):
    monkeypatch.setattr(story.Story, "report", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("demo", **SIZE)
    assert not User.objects.filter(email=command.EMAIL).exists()
    monkeypatch.undo()
    monkeypatch.setattr(command, "LOGIN", login)
    monkeypatch.setattr(command, "WORKER_KEY", login.with_name("key"))

    call_command("demo", **SIZE)
    before = count_rows()
    call_command("demo", **SIZE)

    assert count_rows() == before
    assert Organization.objects.count() == 1
    assert Credential.objects.count() == Sync.objects.count() == 7


def test_its_history_leaves_today_as_it_was(demo, monkeypatch):
    monkeypatch.setattr(episodes, "SHARE", 0.5)
    monkeypatch.setattr(episodes, "APP_FAULTS", (("hubspot", 0.8, 2.0),))
    monkeypatch.setattr(episodes, "OUTAGE", ("hubspot", 0.8, 1.2))
    person = channels.create(
        demo.organization,
        ChannelKind.MAIL,
        actor=None,
        name="Mine",
        address="me@example.com",
        min_severity="info",
    )
    today, logged = statuses(), Event.objects.count()
    checks = list(Check.objects.order_by("pk").values())
    sent = Delivery.objects.count()

    assert history.write_next_day(demo)
    # Cut off here: the next start goes on with the second day.
    demo.refresh_from_db()
    assert demo.done_days == 1
    call_command("demo_history")

    demo.refresh_from_db()
    assert demo.has_all_history
    assert not history.write_next_day(demo)
    assert statuses() == today
    assert list(Check.objects.order_by("pk").values()) == checks
    assert Event.objects.count() == logged
    past = Incident.objects.filter(resolved_at__isnull=False)
    assert set(past.values_list("entity", "status")) == {
        ("credential", "customer_intervention"),
        ("oauth_app", "sequin_intervention"),
        ("provider", ""),
    }
    assert not past.filter(over_told_at=None).exists()
    assert not past.filter(resolved_at__gt=demo.began_at).exists()
    assert Outage.objects.get().cleared_at < demo.began_at
    for pk in past.values_list("entity_id", flat=True):
        changes = Transition.objects.filter(entity_id=pk).order_by("at", "pk")
        assert all(row.before != row.after for row in changes)
    posted = Delivery.objects.order_by("pk")[sent:]
    assert {row.state for row in posted} == {DeliveryState.DELIVERED}
    assert person.pk not in {row.channel_id for row in posted}
    assert Sample.objects.filter(at__lt=demo.began_at).count() > 50


def test_what_breaks_meanwhile_is_left_to_those_who_see_it(demo, monkeypatch):
    monkeypatch.setattr(episodes, "SHARE", 0.5)
    broken = Incident.objects.open().values_list("entity_id", flat=True)

    call_command("demo_history")

    assert set(Incident.objects.open().values_list("entity_id", flat=True)) == set(broken)
    assert Incident.objects.filter(entity_id__in=broken).count() == len(broken)


def test_all_of_it_is_removed_in_one_step_but_the_log(db, simulated, login, monkeypatch):
    Organization.objects.create(slug="arrakis", name="Arrakis")
    before = count_rows()
    monkeypatch.setattr(episodes, "SHARE", 0.5)
    monkeypatch.setattr(episodes, "OUTAGE", ("hubspot", 0.8, 1.2))
    call_command("demo", **SIZE)
    call_command("demo_history")
    logged = list(Event.objects.order_by("pk").values_list("pk", flat=True))

    call_command("remove_demo")

    # The login, with its address and membership, and the key of the digests are no demo.
    stays = {"access.User": 1, "access.Membership": 1, "account.EmailAddress": 1}
    more = Counter(count_rows()) - Counter(before)
    assert more == {**stays, "core.DigestKey": 1}
    *kept, removed = Event.objects.order_by("pk")
    assert [event.pk for event in kept] == logged
    assert removed.action == "demo.removed"


def test_what_a_person_has_added_stays_with_what_it_needs(demo):
    stripe, other = Credential.objects.filter(kind="stripe_key")[:2]
    stream = streams.create(demo.organization, actor=None, slug="mine")
    mine = syncs.create(
        stripe, actor=None, stream=stream, name="Mine", collection_ids=["stripe:customer"]
    )
    user = User.objects.get(email=command.EMAIL)
    account = Credential.objects.filter(kind="hubspot_oauth2", health_status="healthy").get()
    account.pk, account.identity, account.secrets = None, '["x"]', {}
    account._state.adding = True
    account.save()

    plan = removal.remove(demo, actor=user)

    assert plan.kept_count == 2
    assert set(Credential.objects.values_list("pk", flat=True)) == {stripe.pk, account.pk}
    assert list(Sync.objects.all()) == [mine]
    assert list(OAuthApp.objects.all()) == [account.oauth_app]
    assert not Credential.objects.filter(pk=other.pk).exists()

    syncs.delete(mine, actor=user)
    removal.remove(Demo.objects.get(), actor=user)

    assert list(Credential.objects.all()) == [account]


def test_without_the_simulator_it_says_so(db, settings):
    settings.SIMULATOR_URL = ""

    with pytest.raises(CommandError, match="make run"):
        call_command("demo")


def test_there_are_sixty_accounts_of_all_kinds_five_for_each_customer():
    every = places(60, 89)

    assert set(Counter(place.kind for place in every).values()) == {3}
    assert len({place.kind for place in every}) == len(kinds.all())
    assert set(Counter(place.customer for place in every).values()) == {5}
    assert all(0 < place.age_days < 89 for place in every)


def test_no_need_between_the_demos_tables_is_forgotten():
    marked = {model for model in removal.MARKED if model is not User}
    needs = {
        (model, column.name, column.related_model)
        for model in marked
        for column in (*model._meta.concrete_fields, *model._meta.many_to_many)
        if column.related_model in marked
        and (column.many_to_many or column.remote_field.on_delete is not SET_NULL)
    }

    assert needs <= set(removal.NEEDS)


@pytest.mark.faults
def test_at_its_full_size_every_account_is_connected(db, simulated, login):
    call_command("demo")
    call_command("demo_history")

    assert Credential.objects.count() == 60
    assert Counter(Credential.objects.values_list("health_status", flat=True))["healthy"] == 57
    assert Incident.objects.filter(resolved_at__isnull=False).count() > 40
