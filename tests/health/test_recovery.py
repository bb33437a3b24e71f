"""Red ends as soon as its cause does: what counts as a proof, and what is checked then."""

from datetime import timedelta
from uuid import uuid4

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials import oauth_apps, outcomes
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import checks, probes, rollup
from sequin_admin.health.models import Check, Incident
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES
from tests.due_work import probe_due
from tests.factories import PEM, make_credential, make_oauth_app

SECOND = timedelta(seconds=1)
REVOKED = outcomes.customer("invalid_grant", "Access was revoked.", "Connect again.")
REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")


def status(row):
    return type(row)._base_manager.values_list("health_status", flat=True).get(pk=row.pk)


def verify(credential, user):
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    return probes.verify(row, actor=user)


def expire():
    Token.objects.update(expires_at=clock.now() - SECOND)


def break_app(credential, simulated):
    """Rotate the secret at the provider and let us learn of it."""
    simulated.change_app(credential.provider, client_secret=f"rotated-{uuid4().hex}")
    expire()
    probes.verify(Credential.objects.select_related("oauth_app").get(pk=credential.pk))
    assert status(credential.oauth_app) == "sequin_intervention"


def test_a_signature_that_github_accepts_proves_the_app(connected, simulated, user):
    """The right key is back. No token is minted: the old one is valid."""
    credential = connected("github_app")
    probes.verify(credential)
    app = OAuthApp.objects.get()
    right = app.secrets
    app.secrets = {**right, "private_key": PEM}
    app.save()
    probes.verify(Credential.objects.select_related("oauth_app").get())
    assert status(app) == "sequin_intervention"
    app.secrets = right
    app.save()

    probes.verify(Credential.objects.select_related("oauth_app").get())

    assert status(app) == status(credential) == "healthy"


@pytest.mark.parametrize("switch", ["suspend", "uninstall"])
def test_what_the_customer_did_proves_the_app_too(connected, simulated, switch):
    credential = connected("github_app")
    probes.verify(credential)
    app = OAuthApp.objects.get()
    rollup.propagate(checks.record_checks(app, {"client_authentication": REJECTED}))
    simulated.act("github", STORIES["github_app"].account, switch)

    probes.verify(Credential.objects.select_related("oauth_app").get())

    assert status(app) == "healthy"
    assert status(credential) == "customer_intervention"


def test_verify_proves_an_app_whose_secret_is_right_again_at_the_provider(
    connected, simulated, user
):
    credential = connected("hubspot_oauth2")
    right = simulated.app("hubspot")["client_secret"]
    probes.verify(credential)
    rollup.propagate(
        checks.record_checks(credential.oauth_app, {"client_authentication": REJECTED})
    )
    assert status(credential) == "sequin_intervention"
    assert simulated.app("hubspot")["client_secret"] == right

    verify(credential, user)

    assert status(credential.oauth_app) == status(credential) == "healthy"


def test_a_token_minted_before_the_mending_proves_nothing(organization):
    app = make_oauth_app(organization, "hubspot")
    credential = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    rollup.propagate(checks.record_checks(app, {"client_authentication": REJECTED}))
    app.refresh_from_db()
    Token.objects.create(credential=credential, version=1, issued_at=clock.now())
    app.secrets_changed_at = clock.now() + SECOND
    app.save()
    row = Credential.objects.select_related("oauth_app").get()

    rollup.propagate(probes.record_probe(row, outcomes.works()))

    assert status(app) == "sequin_intervention"


def test_an_answer_to_the_old_secret_says_nothing_about_the_new_one(connected, simulated, user):
    """The probe was under way when the secret was replaced."""
    credential = connected("hubspot_oauth2")
    probes.verify(credential)
    row = Credential.objects.select_related("oauth_app").get()
    fresh = type(row).oauth.app.model_validate({"client_secret": "rotated"})
    oauth_apps.update(OAuthApp.objects.get(), properties=fresh, actor=user)

    rollup.propagate(probes.record_probe(row, REJECTED))

    assert status(credential.oauth_app) == "healthy"
    assert Credential.objects.check_due().exists()


def test_an_answer_to_the_customers_old_key_says_nothing_about_the_new_one(organization, user):
    row = make_credential(organization, "stripe_key")
    Credential.objects.update(secrets_changed_at=clock.now() + SECOND)

    rollup.propagate(probes.record_probe(row, REVOKED))

    assert not Check.objects.exists()
    assert Credential.objects.check_due().exists()


def test_a_probe_that_was_overtaken_by_the_mending_does_not_block_again(organization):
    """Its OAuth app was sick when it was loaded; the status that is stored counts."""
    app = make_oauth_app(organization, "hubspot")
    credential = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    rollup.propagate(checks.record_checks(app, {"client_authentication": REJECTED}))
    loaded = Credential.objects.select_related("oauth_app").get()
    rollup.propagate(
        checks.record_checks(OAuthApp.objects.get(), {"client_authentication": outcomes.works()})
    )

    rollup.propagate(probes.record_probe(loaded, outcomes.works()))

    assert status(credential) == "healthy"


def test_mending_rechecks_whom_it_blocked_and_ends_their_waiting(connected, simulated, user):
    credential = connected("hubspot_oauth2")
    probes.verify(credential)
    break_app(credential, simulated)
    simulated.act("hubspot", STORIES["hubspot_oauth2"].account, "revoke")
    assert Token.objects.get().next_try_at > clock.now()
    Credential.objects.update(check_due_at=clock.now() + timedelta(hours=1))
    app = OAuthApp.objects.get()

    # Another credential's proof.
    rollup.propagate(checks.record_checks(app, {"client_authentication": outcomes.works()}))

    assert Credential.objects.check_due().exists()
    simulated.change_app("hubspot", client_secret=app.secrets["client_secret"])
    probe_due()
    assert status(credential) == "customer_intervention"
    assert status(app) == "healthy"


def test_after_a_secret_is_mended_each_of_many_is_what_it_is(make_app, connect, simulated, user):
    """The token of each was refused with the old secret; one was revoked meanwhile."""
    ids = [str(number) for number in range(5_000_000, 5_000_004)]
    simulated.post("hubspot/populate", like="21902692", ids=ids)
    app = make_app("hubspot")
    rows = [connect(app, external_id).credential for external_id in ids]
    break_app(rows[0], simulated)
    for row in rows[1:]:
        probes.verify(Credential.objects.select_related("oauth_app").get(pk=row.pk))
    assert {status(row) for row in rows} == {"sequin_intervention"}
    simulated.act("hubspot", ids[3], "revoke")

    secret = simulated.app("hubspot")["client_secret"]
    fresh = app.properties_class.model_validate({"client_secret": secret})
    oauth_apps.update(OAuthApp.objects.get(), properties=fresh, actor=user)
    probe_due()

    assert [status(row) for row in rows] == ["healthy"] * 3 + ["customer_intervention"]
    assert status(app) == "healthy"
    assert Incident.objects.open().get().entity_id == rows[3].pk


def test_a_refusal_from_before_the_app_worked_again_is_not_repeated(connected, simulated):
    """As when a process is killed before it could end the waiting of those tokens."""
    credential = connected("hubspot_oauth2")
    probes.verify(credential)
    right = simulated.app("hubspot")["client_secret"]
    break_app(credential, simulated)
    OAuthApp.objects.update(health_status="healthy", health_since=clock.now() + SECOND)
    simulated.change_app("hubspot", client_secret=right)
    assert Token.objects.get().next_try_at > clock.now()
    row = Credential.objects.select_related("oauth_app").get()

    assert probes.verify(row).ok

    assert status(credential.oauth_app) == "healthy"
