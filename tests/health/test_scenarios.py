"""Every way in which the simulator can end access, and who must act then.

The expected side comes from the providers' documentation, not from our classifiers: the customer
must act after changes of their account, we after changes of our OAuth app, nobody in an outage.
"""

import re
from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import probes
from sequin_admin.health.models import Incident
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES
from tests.due_work import notify
from tests.factories import PEM

CUSTOMER, SEQUIN = "customer_intervention", "sequin_intervention"
KINDS = [kind.slug for kind in kinds.all()]
OURS = [kind.slug for kind in kinds.all() if kind.client_is_ours()]
# What only the customer can do and undo: switches of the simulator by kind.
THEIRS = {
    "airtable_oauth2": ("revoke", "disable_user"),
    "auth0_client_credentials": ("unauthorize", "rotate_secret"),
    "checkout_champ_password": ("change_password", "disable_user", "restrict_address"),
    "github_app": ("uninstall", "suspend", "revoke"),
    "hubspot_oauth2": ("revoke", "uninstall"),
    "linear_oauth2": ("revoke", "disable_user", "drop_scope"),
    "marketo_client_credentials": ("deny_access", "rotate_secret"),
    "netsuite_client_credentials": (
        *("disable_user", "drop_scope"),
        *("block_integration", "expire_certificate"),
    ),
    "netsuite_oauth2": (
        *("revoke", "disable_user", "drop_scope"),
        *("block_integration", "rotate_secret"),
    ),
    "netsuite_tba": ("revoke_token", "disable_user", "drop_scope", "block_integration"),
    "quickbooks_oauth2": ("revoke", "end_subscription", "take_rights_away"),
    "salesforce_oauth2": ("revoke", "disable_user", "disable_api"),
    "sendgrid_key": ("roll_key", "restrict_account"),
    "servicenow_client_credentials": (
        *("disable_user", "hibernate"),
        *("disable_client_credentials", "rotate_secret"),
    ),
    "servicenow_oauth2": ("revoke", "disable_user", "hibernate", "rotate_secret"),
    "shopify_oauth2": ("revoke", "uninstall", "freeze", "lock", "close", "drop_scope"),
    "stripe_key": ("expire_key", "roll_key"),
    "stripe_oauth2": ("revoke",),
    "workday_oauth2": ("revoke", "disable_user", "drop_scope", "rotate_secret"),
    "workday_password": ("change_password", "disable_user", "drop_scope"),
}
# What only we can do besides mending the secret: our app's list of addresses, our clock.
OUR_OWN = {"salesforce_oauth2": ("restrict_address",)}
# What ends without anybody acting.
NOBODYS = ("outage", "throttle", "proxy")


@pytest.fixture
def channel(organization):
    return Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )


@pytest.fixture
def living(connected, channel):
    """A connected, healthy credential, without earlier messages."""

    def living(slug):
        credential = connected(slug)
        assert probes.verify(credential).ok
        Delivery.objects.all().delete()
        return credential

    return living


def expire(simulated, credential):
    """Expire the access token here and at the provider."""
    if Token.objects.filter(credential=credential).exists():
        simulated.act(credential.provider, STORIES[credential.kind].account, "expire")
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(credential=credential).update(expires_at=past)


def check(credential):
    probes.verify(Credential.objects.select_related("oauth_app").get(pk=credential.pk))
    return Credential.objects.get(pk=credential.pk)


def test_every_kind_has_its_rows():
    assert sorted(THEIRS) == sorted(KINDS)


@pytest.mark.parametrize(
    ("slug", "switch"), [(slug, switch) for slug, switches in THEIRS.items() for switch in switches]
)
def test_what_the_customer_did_is_the_customers(living, simulated, slug, switch):
    credential = living(slug)
    simulated.act(credential.provider, STORIES[slug].account, switch)
    expire(simulated, credential)

    seen = check(credential)
    notify()

    assert seen.health_status == CUSTOMER
    assert re.search(r"(customer|merchant|admin)\b[^.]* must ", seen.health_note)
    incident = Incident.objects.get()
    assert (incident.entity_id, incident.status) == (credential.pk, CUSTOMER)
    [delivery] = Delivery.objects.all()
    assert delivery.message.text.startswith(seen.health_note)
    assert not OAuthApp.objects.filter(health_status=SEQUIN).exists()


@pytest.mark.parametrize("switch", NOBODYS)
@pytest.mark.parametrize("slug", KINDS)
def test_what_passes_by_itself_is_nobodys(living, simulated, slug, switch):
    credential = living(slug)
    simulated.act(credential.provider, STORIES[slug].account, switch)

    seen = check(credential)

    assert seen.health_status == "healthy"
    assert "Nothing to do" in seen.health_note
    assert not Incident.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("slug", "switch"), [(slug, switch) for slug, own in OUR_OWN.items() for switch in own]
)
def test_what_the_operator_must_do_is_ours(living, simulated, slug, switch):
    credential = living(slug)
    simulated.act(credential.provider, STORIES[slug].account, switch)
    expire(simulated, credential)

    seen = check(credential)
    notify()

    app = OAuthApp.objects.get()
    assert (seen.health_status, app.health_status) == (SEQUIN, SEQUIN)
    assert "our server's address" in seen.health_note
    assert Incident.objects.get().entity == "oauth_app"


@pytest.mark.parametrize("slug", OURS)
def test_what_happened_to_our_app_is_ours_and_told_once(living, simulated, slug):
    credential = living(slug)
    if "private_key" in type(credential).oauth.app.names():
        app = OAuthApp.objects.get()
        app.secrets = {**app.secrets, "private_key": PEM}
        app.save()
    else:
        simulated.rotate_app_secret(credential.provider)
    expire(simulated, credential)

    seen = check(credential)
    notify()

    app = OAuthApp.objects.get()
    assert (seen.health_status, app.health_status) == (SEQUIN, SEQUIN)
    assert seen.health_note.startswith(f"Blocked by the OAuth app {app}: ")
    incident = Incident.objects.get()
    assert (incident.entity, incident.affected) == ("oauth_app", 1)
    [delivery] = Delivery.objects.all()
    assert delivery.severity == "critical"
