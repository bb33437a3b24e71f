"""What a reader of tokens learns reaches the badge, the incident and the mail at once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from sequin_admin.access.models import Scope
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probe_claims, probes
from sequin_admin.health.models import Incident
from sequin_admin.notifications.models import Channel
from sequin_admin.tokens import renewal, renewal_leases
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES
from tests.due_work import notify, probe_due, refresh_due
from tests.notified import work

# The switch that ends the renewal of each kind that renews.
ENDS = {
    "airtable_oauth2": "revoke",
    "auth0_client_credentials": "unauthorize",
    "github_app": "uninstall",
    "hubspot_oauth2": "revoke",
    "linear_oauth2": "revoke",
    "marketo_client_credentials": "rotate_secret",
    "netsuite_client_credentials": "expire_certificate",
    "netsuite_oauth2": "revoke",
    "quickbooks_oauth2": "revoke",
    "salesforce_oauth2": "revoke",
    "servicenow_client_credentials": "rotate_secret",
    "servicenow_oauth2": "revoke",
    "shopify_oauth2": "revoke",
    "stripe_oauth2": "revoke",
    "workday_oauth2": "revoke",
}


@pytest.fixture
def reader(make_client, organization):
    """A sync worker with a key that reads tokens."""
    return make_client(organization, Scope.READ, Scope.SECRETS)


@pytest.fixture
def living(connected):
    """A connected, healthy credential whose next check is an hour away."""

    def living(slug):
        credential = connected(slug)
        assert probes.verify(credential).ok
        assert not Credential.objects.check_due().exists()
        return credential

    return living


def end_access(simulated, credential):
    """End the grant and the access token, there and here."""
    account = STORIES[credential.kind].account
    simulated.act(credential.provider, account, ENDS[credential.kind])
    simulated.act(credential.provider, account, "expire")
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past)


def token_path(credential, more=""):
    return f"/v1/credentials/{credential.pk}/token{more}"


def is_due(credential):
    return Credential.objects.check_due().filter(pk=credential.pk).exists()


def test_every_kind_that_renews_has_its_row():
    assert sorted(ENDS) == [kind.slug for kind in kinds.all() if kind.mints_tokens() or kind.oauth]


@pytest.mark.parametrize("slug", ENDS)
def test_a_refusal_seen_by_a_reader_is_checked_at_once(living, simulated, reader, slug):
    credential = living(slug)
    end_access(simulated, credential)

    assert reader.get(token_path(credential)).status_code == 409

    assert is_due(credential)
    assert probe_due() == 1
    assert Credential.objects.get().health_status == "customer_intervention"
    assert not is_due(credential)


def test_from_the_readers_409_to_badge_incident_and_mail(
    living, simulated, reader, organization, client, user
):
    Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )
    credential = living("hubspot_oauth2")
    page = reverse("dashboard:credential", args=[credential.pk])
    client.force_login(user)
    end_access(simulated, credential)

    answer = reader.get(token_path(credential))
    probe_due()
    notify()
    work()

    assert answer.status_code == 409
    assert "Customer must act" in client.get(page).content.decode()
    incident = Incident.objects.open().get()
    assert (incident.entity_id, incident.code) == (credential.pk, "invalid_grant")
    [sent] = mail.outbox
    assert sent.to == ["ops@arrakis.test"]
    assert "HubSpot no longer accepts the access it granted to us" in sent.body


def test_a_token_that_a_reader_reports_as_refused_is_checked_at_once(living, simulated, reader):
    credential = living("hubspot_oauth2")
    known = reader.get(token_path(credential)).json()["fingerprint"]

    answer = reader.post(token_path(credential, "/refresh"), {"fingerprint": known})

    assert answer.status_code == 200
    assert is_due(credential)


def test_a_refused_renewal_shows_before_the_old_token_ends(living, simulated):
    """The worker renews ahead: for hours the old token still works."""
    refresh_token = living("hubspot_oauth2").secrets["refresh_token"]
    url = f"{simulated.url}/api.hubapi.com/oauth/v1/refresh-tokens/{refresh_token}"
    assert simulated.http.delete(url).status_code == 204
    Token.objects.update(refresh_at=clock.now())

    refresh_due()
    probe_due()

    assert Credential.objects.get().health_status == "customer_intervention"
    assert Token.objects.get().is_valid(clock.now())


def test_a_refusal_during_a_probe_is_not_forgotten(living, monkeypatch):
    """The probe has read the old token, when a reader learns that there is no new one."""
    credential = living("hubspot_oauth2")
    Credential.objects.update(check_due_at=clock.now())
    [claimed] = probe_claims.claim_due(1)
    ask = type(claimed).probe

    def probe_and_be_overtaken(self, token):
        outcome = ask(self, token)
        Credential.objects.update(check_due_at=clock.now())
        return outcome

    monkeypatch.setattr(type(claimed), "probe", probe_and_be_overtaken)

    probes.probe_claimed(claimed)

    assert is_due(credential)


def test_renewing_again_after_a_refusal_is_checked_at_once(living, simulated):
    credential = living("hubspot_oauth2")
    Token.objects.update(
        failures=1,
        refresh_at=clock.now(),
        refusal={"verdict": "customer", "code": "invalid_grant", "message": "", "remedy": ""},
    )

    assert renewal.renew_claimed(renewal_leases.claim_due(1)[0])

    assert is_due(credential)
