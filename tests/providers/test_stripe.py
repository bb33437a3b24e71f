"""Stripe's own rules."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import reverse
from pydantic import ValidationError

from sequin_admin.connect import credential_operations, flow
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token

ARRAKIS = "acct_1Arrakis0000001"


@pytest.mark.parametrize(
    ("secret", "test", "sentence"),
    [
        ("sk_test_abc", "", "This is a test key. Tick the test mode."),
        ("rk_live_abc", "on", "This is a live key. Clear the test mode."),
    ],
)
def test_the_mode_must_be_that_of_the_key(client, user, secret, test, sentence):
    client.force_login(user)

    answer = client.post(
        reverse("dashboard:add", args=["stripe_key"]),
        {"name": "Arrakis", "secret": secret, "test": test},
    )

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_names_read_as_in_the_specification():
    kind = kinds.get("stripe_oauth2")

    assert kind.suggest_name({"name": "Arrakis [TEST]"}) == "Arrakis [TEST]"


@pytest.mark.parametrize(("secret", "test"), [("sk_test_abc", True), ("sk_live_abc", False)])
def test_where_nobody_says_the_mode_the_key_does(secret, test):
    declared = kinds.get("stripe_key").properties_class

    parsed = declared.model_validate({"kind": "stripe_key", "name": "Arrakis", "secret": secret})

    assert parsed.test is test


@pytest.fixture
def make_stripe_app(simulated, organization):
    """An OAuth app with the values of the simulator's Stripe App."""

    def make(**properties):
        known = simulated.app("stripe", "stripe-apps")
        return OAuthApp.objects.create(
            organization=organization,
            provider="stripe",
            name="Stripe App",
            client_id=known["client_id"],
            properties={"app_type": "apps", **properties},
            secrets={"client_secret": known["client_secret"]},
        )

    return make


@pytest.fixture
def installed(make_stripe_app, connect):
    connect_session = connect(make_stripe_app(), ARRAKIS)
    assert connect_session.credential, connect_session.failure
    return connect_session.credential


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, next_try_at=None)


def fresh(credential):
    return Credential.objects.get(pk=credential.pk)


def test_a_stripe_app_connects_an_account(installed):
    known = {"account_id": ARRAKIS, "name": "Arrakis [TEST]", "test": True, "scope": "stripe_apps"}

    assert installed.properties.items() >= known.items()
    assert probes.verify(installed).ok


def test_its_access_tokens_are_taken_to_live_for_an_hour(installed):
    token = Token.objects.get(pk=installed.pk)

    assert token.expires_at - token.issued_at == timedelta(hours=1)


def test_its_refresh_tokens_rotate_again_and_again(installed):
    seen = {installed.secrets["secret"]}
    for _ in range(3):
        expire(installed)
        renewal.get_access_token(fresh(installed))
        seen.add(fresh(installed).secrets["secret"])

    assert len(seen) == 4
    assert probes.verify(fresh(installed)).ok


def test_a_lost_answer_of_a_stripe_app_is_told_as_such(installed, simulated):
    simulated.act("stripe", ARRAKIS, "lost_response")
    expire(installed)
    with pytest.raises(Refused):
        renewal.get_access_token(fresh(installed))

    with pytest.raises(Refused) as refused:
        renewal.get_access_token(fresh(installed), force=True)

    assert refused.value.outcome.code == "answer_lost"


def test_an_uninstalled_stripe_app_is_the_customers(installed, simulated):
    simulated.act("stripe", ARRAKIS, "revoke")

    assert probes.verify(fresh(installed)).verdict is Verdict.CUSTOMER


def test_deleting_uninstalls_the_stripe_app(installed, simulated, user):
    assert credential_operations.delete(installed, actor=user)

    assert simulated.state()["providers"]["stripe"]["accounts"][ARRAKIS]["grants"] == 0


def test_a_stripe_app_in_external_test_uses_its_own_link(make_stripe_app, connect):
    link = "https://marketplace.stripe.com/oauth/v2/chnlink_abc123/authorize"

    assert connect(make_stripe_app(install_link=link), ARRAKIS).credential


def test_a_stripe_app_asks_for_no_scope(make_stripe_app, organization, user):
    kind = kinds.get("stripe_oauth2")
    app = make_stripe_app()

    url = flow.start(organization, kind, user=user, session_key="browser", oauth_app=app)

    assert "scope" not in dict(parse_qsl(urlsplit(url).query))
    assert app.flow.scopes == ()


@pytest.mark.parametrize("sort", ["connect", "apps"])
def test_another_mode_than_the_keys_is_refused(
    make_stripe_app, make_app, connect, simulated, sort, monkeypatch
):
    app = make_stripe_app() if sort == "apps" else make_app("stripe")
    kind = kinds.get("stripe_oauth2")
    read = kind.parse_grant
    monkeypatch.setattr(kind, "parse_grant", lambda data: read({**data, "livemode": True}))

    connect_session = connect(app, ARRAKIS)

    assert connect_session.credential is None
    assert (
        "Stripe connected a live account, but the OAuth app has a test key"
        in connect_session.failure
    )


def test_another_scope_than_the_one_asked_for_is_refused(make_app, go):
    app = make_app("stripe")
    app.scopes = ["read_only"]
    app.save()
    assert go("stripe_oauth2", ARRAKIS, oauth_app=app).credential.properties["scope"] == "read_only"

    kind, context = (
        kinds.get("stripe_oauth2"),
        kinds.OAuthContext("ca_1", app.url_params(), scopes=("read_write",)),
    )
    grant = kinds.TokenGrant("sk_test_x", scope="read_only", raw={"livemode": False})
    with pytest.raises(Refused, match="Stripe granted read_only, but we asked for read_write"):
        kind.identify(grant, context)


def test_an_install_link_leads_to_stripe():
    declared = kinds.oauth_of("stripe").app

    with pytest.raises(ValidationError, match="install_link"):
        declared(client_secret="x", app_type="apps", install_link="https://evil.test/authorize")


def test_the_form_offers_both_sorts_of_app(client, user):
    client.force_login(user)
    address = reverse("dashboard:oauth_app_add", args=["stripe"])
    sent = {"name": "Ours", "client_id": "ca_1", "client_secret": "sk_test_1", "app_type": "apps"}

    client.post(address, sent)

    assert OAuthApp.objects.get().properties == {"app_type": "apps"}
