"""Sign-on through a real OpenID server (django-oauth-toolkit) in a process of its own."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from sequin_admin.access import addresses, endings, invitations, members
from sequin_admin.access.identity_providers import IdentityProvider, read_providers
from sequin_admin.access.models import Membership, Organization, SignInRules, User
from sequin_admin.audit.models import Event
from tests.conftest import confirm_login, make_member
from tests.dashboard.conftest import age_login
from tests.edit_forms import submit
from tests.oauth_server.prepare import CLIENT_SECRET, SIGN_ON_CLIENT_ID
from tests.patience import PATIENCE_S

BEGIN = reverse("openid_connect_login", args=["toolkit"])
RULES = reverse("dashboard:sign_in_rules")
PAUL = {"email": "paul@arrakis.test", "email_verified": True}
JOIN = {"organization": "arrakis", "domains": ["Arrakis.test"], "role": "viewer"}


@pytest.fixture
def trust(settings, oauth_server):
    """Sets the provider."""
    settings.PUBLIC_URL = "http://testserver"

    def trust(**options):
        given = {"issuer": f"{oauth_server}/o", "client_id": SIGN_ON_CLIENT_ID, "name": "Toolkit"}
        given |= {"client_secret": CLIENT_SECRET, "trust_email": True, **options}
        settings.OIDC_PROVIDERS = {"toolkit": IdentityProvider.model_validate(given)}

    trust()
    return trust


@pytest.fixture
def at_provider(oauth_server):
    """Where the provider sends the browser of a person with these claims."""

    def at_provider(url, claims, name="paul", **told):
        with httpx2.Client(base_url=oauth_server, timeout=PATIENCE_S, trust_env=False) as browser:
            sent = {"name": name, "claims": json.dumps({"id_token": claims, **told})}
            browser.get("/enter", params=sent)
            return browser.get(url).headers["location"]

    return at_provider


@pytest.fixture
def sign_on(client, trust, at_provider):
    """Signs a person on, as a browser does; the page after the callback."""

    def sign_on(claims=PAUL, *, browser=client, next_url="/", query="", **options):
        begun = browser.post(BEGIN + query, {"next": next_url})
        return browser.get(at_provider(begun["Location"], claims, **options))

    return sign_on


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_a_member_signs_on_and_goes_on_to_where_they_were_going(client, user, sign_on):
    answer = sign_on(next_url="/audit/")

    assert (answer.status_code, answer["Location"]) == (302, "/audit/")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert set(Event.objects.values_list("action", flat=True)) >= {
        "user.sign_on_connected",
        "user.logged_in",
    }
    account = SocialAccount.objects.get()
    assert account.user == user
    # The address at the provider is no longer what counts.
    client.logout()
    sign_on({"email": "other@arrakis.test", "email_verified": False})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_what_goes_to_the_provider_is_ours_alone(client, user, trust):
    """Whoever makes a link to the first page has no say in it."""
    query = urlencode({"auth_params": "nonce=x&redirect_uri=https://evil.test/", "scope": "write"})

    url = client.post(f"{BEGIN}?{query}", {"next": "https://evil.test/"})["Location"]

    sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert sent["redirect_uri"] == f"http://testserver{BEGIN}callback/"
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["nonce"]) == 64
    assert set(sent["scope"].split()) == {"openid", "email", "profile"}
    assert client.get(BEGIN).status_code == 200  # a page with a button, no redirect


def test_other_scopes_are_asked_for_when_they_are_set(client, user, trust):
    trust(scopes=["openid", "groups"])

    sent = parse_qs(urlsplit(client.post(BEGIN)["Location"]).query)

    assert sorted(sent["scope"][0].split()) == ["groups", "openid"]


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"iss": "https://evil.test"}, {}),
        ({"aud": "another-client"}, {}),
        ({"aud": [SIGN_ON_CLIENT_ID, "another-client"]}, {}),
        ({"exp": 1_700_000_000}, {}),
        ({"nonce": "of another sign-on"}, {}),
        ({}, {"forged": True}),
    ],
    ids=["issuer", "audience", "other party", "expired", "nonce", "signature"],
)
def test_a_token_that_is_not_for_this_sign_on_is_refused(client, user, sign_on, claims, told):
    answer = sign_on({**PAUL, **claims}, **told)

    assert answer.status_code == 403
    assert "did not tell us who you are" in answer.content.decode()
    assert not is_signed_in(client)
    assert Event.objects.get(action="user.sign_on_refused").details["code"] == "not_trusted"


def test_state_of_another_browser_and_a_second_use_are_refused(client, user, trust, at_provider):
    url = client.post(BEGIN)["Location"]
    back = at_provider(url, PAUL)
    other = Client()

    assert other.get(back).status_code == 403
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 403
    assert not is_signed_in(client)


def test_a_provider_that_is_another_or_away_signs_nobody_on(client, user, trust, oauth_server):
    other = oauth_server.replace("127.0.0.1", "localhost")
    for issuer in (f"{other}/o", "http://127.0.0.1:9/o"):
        trust(issuer=issuer)

        answer = client.post(BEGIN)

        assert answer.status_code == 403
        assert "did not tell us who you are" in answer.content.decode()


def test_one_caller_does_not_keep_all_threads_waiting_for_a_provider(client, db, trust):
    trust(issuer="http://127.0.0.1:9/o")

    assert [client.post(BEGIN).status_code for _ in range(31)] == [403] * 30 + [429]


@pytest.mark.parametrize(
    ("claims", "options"),
    [
        ({**PAUL, "email_verified": False}, {}),
        ({"email": PAUL["email"]}, {}),
        (PAUL, {"trust_email": False}),
        ({}, {}),
    ],
    ids=["unverified", "unsaid", "untrusted", "no address"],
)
def test_an_address_that_is_not_proven_is_nobodys(client, user, trust, sign_on, claims, options):
    trust(**options)

    answer = sign_on(claims)

    assert answer.status_code == 403
    assert "did not prove your address" in answer.content.decode()
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


def test_the_address_may_come_from_the_userinfo_endpoint(client, user, sign_on):
    assert sign_on({}, userinfo={**PAUL, "sub": "9"}, name="gurney").status_code == 403
    assert not is_signed_in(client)

    sign_on({}, userinfo=PAUL, name="gurney")

    assert client.session["_auth_user_id"] == str(user.pk)


def test_an_account_is_made_for_who_is_invited_and_for_nobody_else(
    client, user, organization, sign_on
):
    duncan = {"email": "Duncan@arrakis.test", "email_verified": True}
    refused = sign_on(duncan, name="duncan")
    assert "no open invitation" in refused.content.decode()
    assert User.objects.count() == 1
    invitations.create(organization, "duncan@arrakis.test", "viewer", actor=user)

    answer = sign_on(duncan, name="duncan")

    assert Event.objects.filter(action="user.created_by_sign_on").count() == 1
    made = User.objects.get(email="duncan@arrakis.test")
    assert answer["Location"] == reverse("invitation")
    assert not made.has_usable_password()
    assert addresses.has_confirmed(made, made.email)
    assert not made.memberships.exists()
    client.post(reverse("invitation"))
    assert made.memberships.get().organization == organization


def test_a_rule_makes_members_once(client, user, organization, trust, sign_on):
    trust(join=JOIN)
    leto = {"email": "leto@arrakis.test", "email_verified": True}
    outsider = {"email": "leto@arrakis.test.evil.test", "email_verified": True}
    assert sign_on(outsider, name="outsider").status_code == 403

    sign_on(leto, name="leto")

    membership = Membership.objects.get(user__email="leto@arrakis.test")
    assert membership.role == "viewer"
    members.remove(membership, actor=user)
    # Neither the account at the provider nor one that is connected anew brings the person back.
    for _ in range(2):
        client.logout()
        sign_on(leto, name="leto")
        assert is_signed_in(client)
        assert not Membership.objects.filter(user__email="leto@arrakis.test").exists()
        SocialAccount.objects.all().delete()
    endings.ask(organization, actor=user)
    alia = {"email": "alia@arrakis.test", "email_verified": True}
    assert sign_on(alia, browser=Client(), name="alia").status_code == 403


def test_a_locked_account_stays_locked(client, user, sign_on):
    sign_on()
    client.logout()
    user.refresh_from_db()
    user.is_active = False
    user.save()

    sign_on()

    assert not is_signed_in(client)


def test_the_providers_second_factor_counts_where_it_is_set(client, user, trust, sign_on):
    Authenticator.objects.create(user=user, type="totp", data={})
    mfa = {**PAUL, "amr": ["pwd", "mfa"], "acr": "urn:loa:2"}

    assert sign_on(mfa)["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    trust(second_factor=["mfa"])
    assert sign_on(PAUL, browser=Client())["Location"] == reverse("mfa_authenticate")
    assert sign_on(mfa)["Location"] == "/"
    trust(second_factor=["urn:loa:2"])
    assert sign_on(mfa, browser=Client())["Location"] == "/"


def test_an_owner_requires_sign_on_once_they_have_done_it(client, user, organization, sign_on):
    client.force_login(user)
    refused = submit(client, RULES, {"provider": "toolkit"})
    assert refused.status_code == 422
    assert "Sign on through Toolkit yourself first" in refused.content.decode()
    client.logout()
    sign_on()

    assert submit(client, RULES, {"provider": "toolkit"}).status_code == 302

    assert SignInRules.objects.get().provider == "toolkit"
    assert client.get("/").status_code == 200


def test_who_signed_in_otherwise_is_sent_to_sign_on_and_goes_on(
    client, viewer, organization, sign_on
):
    SignInRules.objects.create(organization=organization, provider="toolkit")
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=viewer, role="viewer")
    client.force_login(viewer)
    switch = reverse("dashboard:switch_organization")
    client.post(switch, {"organization": organization.pk})

    gate = client.get("/audit/", follow=True)
    assert "asks you to sign on through Toolkit" in gate.content.decode()
    assert 'value="/audit/"' in gate.content.decode()
    assert client.get(reverse("dashboard:badges")).status_code == 302
    client.post(switch, {"organization": other.pk})
    assert client.get("/audit/").status_code == 200
    client.post(switch, {"organization": organization.pk})
    chani = {"email": viewer.email, "email_verified": True}
    answer = sign_on(chani, name="chani", next_url="/audit/")

    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert page.context["organization"] == organization


def test_another_account_is_connected_under_security_and_disconnected(
    client, user, trust, at_provider
):
    trust(trust_email=False)
    client.force_login(user)
    confirm_login(client)
    begun = client.post(f"{BEGIN}?process=connect")

    client.get(at_provider(begun["Location"], {"email": "x@x.test"}, name="muaddib"))

    account = SocialAccount.objects.get(user=user)
    page = reverse("socialaccount_connections")
    assert "x@x.test" in client.get(page).content.decode()
    client.post(page, {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert set(Event.objects.values_list("action", flat=True)) >= {
        "user.sign_on_connected",
        "user.sign_on_disconnected",
    }


def test_who_has_no_password_confirms_by_signing_on(client, user, sign_on):
    user.set_unusable_password()
    user.save()
    sign_on()
    age_login(client)

    asked = client.get(reverse("dashboard:api_key_add"))

    assert asked["Location"].startswith(BEGIN)
    sign_on(next_url=reverse("dashboard:api_key_add"))
    assert client.get(reverse("dashboard:api_key_add")).status_code == 200


def test_a_stranger_of_the_provider_is_no_member(client, organization, trust, sign_on):
    make_member(organization, "paul@arrakis.test", "owner")

    sign_on({"email": "feyd@giedi-prime.test", "email_verified": True}, name="feyd")

    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"a": {"name": "A"}}',
        '{"a": {"name": "A", "issuer": "http://a.test", "client_id": "x"}}',
        '{"a": {"name": "A", "issuer": "https://a.test", "client_id": "x", "secret": "canary"}}',
        '{"A b": {"name": "A", "issuer": "https://a.test", "client_id": "x"}}',
        '{"a": {"name": "A", "issuer": "https://a.test", "client_id": "x", "hosts": ["b:443"]}}',
        '{"a": {"name": "A", "issuer": "https://a.test", "client_id": "x", "hosts": ["https://b"]}}',
    ],
)
def test_a_wrong_setting_is_told_without_its_values(text):
    with pytest.raises(ImproperlyConfigured, match="OIDC_PROVIDERS") as problem:
        read_providers(text)

    assert "canary" not in str(problem.value)
