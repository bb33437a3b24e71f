"""Targets: actions, and what is never shown."""

import pytest
from django.core.exceptions import ValidationError

from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.properties import MASK
from sequin_admin.credentials.usage import InUse
from sequin_admin.syncs import postgres, targets
from sequin_admin.syncs.models import FormerTargetSecrets, Target
from tests.syncs.conftest import PASSWORD


def test_only_the_ends_of_a_long_password_are_shown(target):
    assert target.masked_password() == "spic...6789"
    assert PASSWORD not in f"{target.secrets}"


def test_a_short_password_is_all_asterisks():
    assert Target(secrets={"password": "0123456789"}).masked_password() == MASK


def test_no_password_keeps_the_one_that_is_set(target, user):
    targets.update(target, actor=user, name="Lake", schema="records")

    target.refresh_from_db()
    assert target.name == "Lake"
    assert target.secrets["password"] == PASSWORD


@pytest.mark.parametrize("change", [{"host": "evil.test"}, {"port": 6543}, {"ssl_mode": "disable"}])
def test_a_kept_password_never_goes_to_another_server(target, user, change):
    with pytest.raises(ValidationError, match="password again"):
        targets.update(target, actor=user, **change)

    target.refresh_from_db()
    assert target.host == "db.arrakis.test"


@pytest.mark.parametrize("host", ["DB.Arrakis.TEST", "db.arrakis.test."])
def test_another_spelling_of_its_host_is_the_same_server(target, user, host):
    """Its password is kept, and a former one of it can be put back."""
    targets.update(target, actor=user, password="another-password-1")
    targets.update(target, actor=user, host=host)

    target.refresh_from_db()
    assert (target.host, target.secrets["password"]) == (host, "another-password-1")
    targets.put_back(target, FormerTargetSecrets.objects.get().pk, actor=user)
    assert Target.objects.get().secrets["password"] == PASSWORD


def test_a_target_in_use_is_not_deleted_and_says_by_whom(target, consumer, user):
    with pytest.raises(InUse, match="Warehouse is used by 1 consumer: To the warehouse"):
        targets.delete(target, actor=user)

    assert Target.objects.filter(pk=target.pk).exists()


def test_every_act_is_audited_without_the_password(target, user):
    targets.update(target, actor=user, password="another-password-1")
    targets.delete(target, actor=user)

    actions = list(Event.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["target.created", "target.changed", "target.deleted"]
    assert "another" not in str(list(Event.objects.values("details")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "::1", "localhost"])
def test_an_address_that_its_test_would_refuse_is_not_saved(target, user, settings, host):
    """A stored one stays, and can be renamed."""
    settings.TARGET_NETWORKS = []

    with pytest.raises(ValidationError, match="add its network to that setting"):
        targets.update(target, actor=user, host=host, password=PASSWORD)

    Target.objects.update(host=host)
    stored = Target.objects.get()
    targets.update(stored, actor=user, name="Lake")
    settings.TARGET_NETWORKS = ["127.0.0.0/8", "::1/128"]
    targets.update(target, actor=user, host=host, password=PASSWORD)


def test_a_test_is_kept_on_the_row_and_comes_round_again(target, user, settings):
    settings.TARGET_NETWORKS = []
    target.host = "127.0.0.1"

    targets.verify(target, actor=user)

    target.refresh_from_db()
    assert target.health_status == "sequin_intervention"
    assert "TARGET_NETWORKS" in target.health_note
    assert target.check_due_at > clock.now()
    assert Event.objects.filter(action="target.tested", details__code="forbidden").exists()


def test_a_target_that_is_due_is_claimed_by_one_worker(target):
    assert list(targets.claim_due(5)) == [target]
    assert list(targets.claim_due(5)) == []


def test_what_was_changed_during_its_test_keeps_nothing_of_it(target, monkeypatch):
    """Otherwise a fixed target would show the old error until the next test."""

    def meanwhile(tried):
        targets.update(Target.objects.get(), actor=None, password="another-password-1")
        return outcomes.operator("password", "Wrong password.", "Correct it.", of_app=False)

    monkeypatch.setattr(postgres, "check_connection", meanwhile)

    targets.verify(target, actor=None)

    target.refresh_from_db()
    assert target.health_status == ""
    assert target.check_due_at <= clock.now()
