"""What forms ask, and pages on which one chooses a provider."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress

from sequin_admin.access import invitations
from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials.models import FormerCredentialSecrets
from sequin_admin.demo.models import Demo
from sequin_admin.syncs.models import Sync
from tests.conftest import confirm_login
from tests.dashboard.conftest import address
from tests.factories import make_credential, make_oauth_app


def test_a_login_asks_for_the_scopes_that_were_entered(owner, organization):
    app = make_oauth_app(organization, "hubspot")
    sent = {
        "oauth_app": app.pk,
        "scopes": "oauth crm.objects.deals.read",
        "contact_email": "jessica@arrakis.test",
        "metadata": '{"customer": "c-1"}',
    }

    answer = owner.post(address("connect", "hubspot_oauth2"), sent)

    asked = parse_qs(urlsplit(answer["Location"]).query)
    assert asked["scope"] == ["oauth crm.objects.deals.read"]
    assert ConnectSession.objects.get().details == {
        "contact_email": "jessica@arrakis.test",
        "metadata": {"customer": "c-1"},
        "scopes": ["oauth", "crm.objects.deals.read"],
    }


def test_the_two_names_say_who_sees_them(owner):
    page = " ".join(owner.get(address("add", "stripe_key")).content.decode().split())

    assert "The customer reads it where they are asked to connect the account again." in page
    assert "The customer does not see it." in page


def test_a_picker_narrows_to_what_is_typed(owner):
    for page, path in (
        ("providers", "/credentials/new/"),
        ("oauth_app_picker", "/oauth-apps/new/"),
    ):
        shown = owner.get(address(page), {"q": "hubs"}).content.decode()
        assert re.findall(rf'href="{path}(\w+)/"', shown) in (["hubspot_oauth2"], ["hubspot"])
        part = owner.get(address(page), {"q": "hubs"}, headers={"HX-Request": "true"})
        assert (
            part.content.decode().strip().startswith('<div id="tiles" data-announce="1 provider"')
        )

    assert "Stripe API key" in owner.get(address("providers"), {"q": "stripe KEY"}).content.decode()
    assert (
        "No provider matches"
        in owner.get(address("providers"), {"q": "ornithopter"}).content.decode()
    )


def test_a_sync_says_how_often_by_a_choice_or_otherwise(owner, organization):
    credential = make_credential(organization, "stripe_key")
    url = address("add_sync", credential.pk)

    for often in (
        {"sync_frequency_0": "1h"},
        {"sync_frequency_0": "other", "sync_frequency_1": "90m"},
    ):
        owner.post(url, {"name": "Invoices", **often})

    assert sorted(Sync.objects.values_list("sync_frequency", flat=True)) == ["1h", "90m"]
    pages = [owner.get(address("sync", sync.pk)).content.decode() for sync in Sync.objects.all()]
    assert sorted(re.findall(r"<dd>(Every [^<]+)</dd>", "".join(pages))) == [
        "Every 90 minutes",
        "Every hour",
    ]
    page = owner.get(url).content.decode()
    assert re.search(r'<li aria-current="step">\s*What is read', page)
    assert '<details class="details" >' in page
    # What is wrong in a field that is folded is shown.
    bad = owner.post(url, {"name": "x", "sync_frequency_0": "1h", "allowed_requests": "5"})
    assert '<details class="details" open>' in bad.content.decode()


WAITING = {
    "member_add": "Sending…",
    "organization_end": "Telling its owners…",
    "demo_remove": "Removing…",
    "target_new": "Connecting to the database…",
}


def waits(page):
    """What the buttons of a page say while they wait."""
    return re.findall(r'data-pending="([^"]+)"', page.content.decode())


def test_a_form_that_waits_for_somebody_says_for_whom(owner, organization):
    """Mail servers, databases and providers answer when they like."""
    Demo.objects.create(organization=organization, days=89, ready_at=clock.now())
    confirm_login(owner)

    said = {name: waits(owner.get(address(name))) for name in WAITING}

    assert said == {name: [words] for name, words in WAITING.items()}
    owner.logout()
    assert waits(owner.get("/accounts/password/reset/")) == ["Sending…"]


def test_an_invitation_that_is_sent_again_waits_for_the_mail(owner, organization, user):
    confirm_login(owner)
    row, _ = invitations.create(organization, "j@arrakis.test", "viewer", actor=user)

    assert waits(owner.get(address("invitation_resend", row.pk))) == ["Sending…"]


def test_both_buttons_of_an_address_that_waits_for_its_confirmation_wait(owner, user):
    """The link is mailed again, or to yet another address."""
    confirm_login(owner)
    assert waits(owner.get("/accounts/email/")) == ["Sending…"]
    EmailAddress.objects.create(user=user, email="muaddib@arrakis.test")

    page = owner.get("/accounts/email/")

    assert waits(page) == ["Sending…", "Sending…"]
    assert {"action_send", "action_add"} <= set(re.findall(r'name="(\w+)"', page.content.decode()))


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/oidc/sietch/login/"])
def test_a_sign_on_waits_for_its_provider(client, db, settings, path):
    """Where to send the browser, the provider is asked first."""
    given = {"issuer": "https://id.arrakis.test", "client_id": "c", "name": "Sietch"}
    provider = IdentityProvider.model_validate({**given, "client_secret": "s"})
    settings.OIDC_PROVIDERS = {"sietch": provider}

    assert waits(client.get(path)) == ["Going to Sietch…"]


def test_what_calls_the_provider_of_a_credential_waits_for_it(owner, organization, user):
    confirm_login(owner)
    oauth_app = make_oauth_app(organization, "hubspot")
    theirs = make_credential(organization, "hubspot_oauth2", oauth_app=oauth_app)
    key = make_credential(organization, "stripe_key", secret_names=["secret"])
    FormerCredentialSecrets.objects.create(
        organization=organization, owner=key, names=["secret"], replaced_by="paul"
    )

    assert waits(owner.get(address("replace_account", theirs.pk))) == ["Going to HubSpot…"]
    assert waits(owner.get(address("credential", key.pk))).count("Asking Stripe…") == 2
