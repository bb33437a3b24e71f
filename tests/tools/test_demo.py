"""The demo organization."""

import pytest
from django.core.management import CommandError, call_command

from sequin_admin.access import addresses
from sequin_admin.access.models import Organization, User
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.syncs.models import Consumer, Sync, Target
from sequin_admin.tools.management.commands import demo


@pytest.fixture
def login(monkeypatch, tmp_path):
    file = tmp_path / "demo-login"
    monkeypatch.setattr(demo, "LOGIN", file)
    return file


def test_it_has_an_app_of_every_provider_and_working_keys(db, simulated, login):
    call_command("demo")

    with_app = {provider for provider in kinds.providers() if kinds.oauth_of(provider)}
    assert set(OAuthApp.objects.values_list("provider", flat=True)) == with_app
    assert set(Credential.objects.values_list("health_status", flat=True)) == {"healthy"}


def test_it_has_syncs_a_target_and_a_consumer(db, simulated, login):
    call_command("demo")
    call_command("demo")

    assert Sync.objects.count() == 3
    assert set(Sync.objects.values_list("stream__slug", flat=True)) == {"dev", "prod"}
    assert Consumer.objects.get().target == Target.objects.get()


def test_its_login_works_and_only_its_owner_may_read_it(db, simulated, login):
    call_command("demo")

    email, password = login.read_text().split()
    user = User.objects.get(email=email)
    assert user.check_password(password)
    assert addresses.has_confirmed(user, email)
    assert login.stat().st_mode & 0o777 == 0o600


def test_a_second_time_changes_nothing(db, simulated, login):
    call_command("demo")
    before = login.read_text()

    call_command("demo")

    assert login.read_text() == before
    assert Organization.objects.count() == 1


def test_one_that_was_cut_off_is_finished_the_next_time(db, simulated, login, monkeypatch):
    monkeypatch.setattr(demo, "simulator_credentials", lambda simulator: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("demo")
    assert not User.objects.exists()
    monkeypatch.undo()
    monkeypatch.setattr(demo, "LOGIN", login)

    call_command("demo")

    assert User.objects.count() == Organization.objects.count() == 1
    providers = list(OAuthApp.objects.values_list("provider", flat=True))
    assert len(providers) == len(set(providers))
    assert Credential.objects.count() == 2


def test_without_the_simulator_it_says_so(db, settings):
    settings.SIMULATOR_URL = ""

    with pytest.raises(CommandError, match="make run"):
        call_command("demo")
