"""Probes: who must act, and what is stored."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import probes
from sequin_admin.health.models import Check, Transition
from sequin_admin.health.status import GRACE_PERIOD
from sequin_admin.tokens.models import Token
from tests.due_work import probe_due
from tests.factories import make_credential

ARRAKIS = "21902692"
WORKING = {"secret": "sk_test_arrakis0000000000000001"}


@pytest.fixture
def hubspot(make_app, connect):
    credential = connect(make_app("hubspot"), ARRAKIS).credential
    probes.verify(credential)
    return credential


@pytest.fixture
def stripe(organization, simulated):
    credential = make_credential(organization, "stripe_key", properties=WORKING)
    probes.verify(credential)
    return credential


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past)


def status(row):
    return type(row)._base_manager.values_list("health_status", flat=True).get(pk=row.pk)


def test_a_working_key_is_healthy_and_tells_its_account(stripe):
    assert status(stripe) == "healthy"
    assert Credential.objects.get().properties["account_id"] == "acct_1Arrakis0000001"


def test_a_restricted_key_is_healthy(organization, simulated):
    properties = {"secret": "rk_test_arrakis0000000000000001"}
    credential = make_credential(organization, "stripe_key", properties=properties)

    assert probes.verify(credential).ok


def test_an_expired_access_token_is_renewed_and_nobody_is_blamed(hubspot, simulated):
    simulated.act("hubspot", ARRAKIS, "expire")

    assert probes.verify(hubspot).ok
    assert status(hubspot) == "healthy"


def test_a_revoked_grant_is_the_customers(hubspot, simulated):
    simulated.act("hubspot", ARRAKIS, "revoke")
    expire(hubspot)

    probes.verify(hubspot)

    assert status(hubspot) == "customer_intervention"
    assert status(hubspot.oauth_app) == "healthy"
    assert "connect the account again" in Credential.objects.get().health_note


def test_a_wrong_app_secret_is_ours_and_of_the_app(hubspot, simulated):
    simulated.rotate_app_secret("hubspot")
    expire(hubspot)

    probes.verify(hubspot)

    assert status(hubspot) == "sequin_intervention"
    assert status(hubspot.oauth_app) == "sequin_intervention"
    assert Credential.objects.get().health_note.startswith("Blocked by the OAuth app")


def test_replacing_the_app_secret_mends_app_and_credential(hubspot, simulated, user):
    secret = simulated.app("hubspot")["client_secret"]
    rotated = simulated.rotate_app_secret("hubspot")
    expire(hubspot)
    probes.verify(hubspot)
    app = OAuthApp.objects.get()
    fresh = app.properties_class.model_validate({"client_secret": rotated})
    oauth_apps.update(app, properties=fresh, actor=user)

    probe_due()

    assert status(hubspot) == "healthy"
    assert status(app) == "healthy"
    simulated.change_app("hubspot", client_secret=secret)


@pytest.mark.parametrize("fault", ["outage", "html", "throttle"])
def test_a_transient_fault_keeps_the_status(stripe, simulated, fault):
    simulated.act("stripe", "acct_1Arrakis0000001", fault)

    outcome = probes.verify(stripe)

    assert outcome.verdict == "transient"
    assert status(stripe) == "healthy"
    assert "Nothing to do" in Credential.objects.get().health_note


def test_an_outage_that_lasts_is_ours(stripe, simulated):
    simulated.act("stripe", "acct_1Arrakis0000001", "outage")
    probes.verify(stripe)
    Check.objects.update(first_seen_at=clock.now() - GRACE_PERIOD)

    probes.verify(stripe)

    assert status(stripe) == "sequin_intervention"


def test_github_uninstalled_and_suspended_are_the_customers(make_app, connect, simulated):
    credential = connect(make_app("github"), "paul-atreides").credential
    assert probes.verify(credential).ok

    simulated.act("github", "paul-atreides", "suspend")
    assert probes.verify(credential).code == "suspended"
    simulated.act("github", "paul-atreides", "clear")
    simulated.act("github", "paul-atreides", "uninstall")
    assert probes.verify(credential).code == "uninstalled"

    assert status(credential) == "customer_intervention"


def test_a_wrong_password_is_the_customers(organization, simulated):
    properties = {"login_id": "user123", "password": "wrong"}
    credential = make_credential(organization, "checkout_champ_password", properties=properties)

    probes.verify(credential)

    assert status(credential) == "customer_intervention"


def test_each_change_of_status_is_one_transition(stripe, simulated):
    simulated.act("stripe", "acct_1Arrakis0000001", "expire_key")

    for _ in range(3):
        probes.verify(stripe)

    changes = Transition.objects.about(stripe).order_by("id")
    assert [(c.before, c.after) for c in changes] == [
        ("", "healthy"),
        ("healthy", "customer_intervention"),
    ]
    assert Check.objects.get(check_name="authentication").times == 3


def test_evidence_is_kept_without_secrets(stripe, simulated):
    simulated.act("stripe", "acct_1Arrakis0000001", "roll_key")

    probes.verify(stripe)

    evidence = Check.objects.get(check_name="authentication").evidence
    assert evidence["status"] == 401
    assert "sk_test_arrakis" not in str(evidence)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nobody_writes_between_reading_and_storing_the_properties(stripe, user, monkeypatch):
    """A renewal or an edit in between would be lost. On SQLite a transaction locks everything."""
    merge, seen = credential_operations.merge_properties, []

    def change_elsewhere():
        try:
            with transaction.atomic():
                return list(Credential.objects.select_for_update(nowait=True))
        except OperationalError:
            return "locked"
        finally:
            connection.close()

    def merging(credential, discovered):
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(change_elsewhere).result())
        return merge(credential, discovered)

    monkeypatch.setattr(credential_operations, "merge_properties", merging)
    probes.verify(stripe, actor=user)

    assert seen == ["locked"]


def test_only_what_is_due_is_probed_and_only_once(stripe):
    Credential.objects.update(check_due_at=clock.now())

    assert probe_due() == 1
    assert probe_due() == 0


def test_disabled_credentials_are_left_alone(stripe):
    Credential.objects.update(check_due_at=clock.now(), disabled_at=clock.now())

    assert probe_due() == 0
