"""Stripe's own SDK (stripe) against the simulated Stripe."""

import pytest
import stripe

ACCOUNT = "acct_1Arrakis0000001"
pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _trust(trusted, monkeypatch):
    """This SDK has its own CA list, and a setting to replace it."""
    monkeypatch.setattr(stripe, "ca_bundle_path", trusted)


@pytest.fixture
def platform(simulator):
    app = simulator.app("stripe")
    return stripe.StripeClient(app["client_secret"], client_id=app["client_id"])


@pytest.fixture
def tokens(simulator, platform, consent):
    """The token response for a new code."""
    uri = simulator.app("stripe")["redirect_uris"][0]
    asked = {"scope": "read_write", "state": "s", "redirect_uri": uri, "response_type": "code"}
    code = consent(platform.oauth.authorize_url(params=asked), ACCOUNT)["code"]
    return platform.oauth.token(params={"grant_type": "authorization_code", "code": code})


@pytest.fixture
def key(simulator):
    return simulator.account("stripe", ACCOUNT)["secret_key"]


def test_a_code_becomes_tokens_that_can_be_refreshed(platform, tokens):
    asked = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    fresh = platform.oauth.token(params=asked)

    assert (tokens.stripe_user_id, tokens.livemode) == (ACCOUNT, False)
    assert fresh.access_token != tokens.access_token
    assert stripe.StripeClient(fresh.access_token).v1.accounts.retrieve_current().id == ACCOUNT


def test_a_spent_code_is_refused(platform, tokens):
    with pytest.raises(stripe.oauth_error.InvalidGrantError):
        platform.oauth.token(params={"grant_type": "authorization_code", "code": "spent"})


def test_pages_follow_one_another(simulator, key):
    simulator.set_count("stripe", ACCOUNT, 5)

    customers = stripe.StripeClient(key).v1.customers.list(params={"limit": 2})

    assert customers.has_more
    assert len({one.id for one in customers.auto_paging_iter()}) == 5


def test_what_is_written_is_read_back_and_stands_in_the_oracle(key, oracle):
    customers = stripe.StripeClient(key).v1.customers
    made = customers.create(params={"name": "Written", "metadata": {"plan": "pro"}}).id

    customers.update(made, params={"name": "Changed"})

    assert customers.retrieve(made).name == "Changed"
    stored = oracle("stripe", ACCOUNT, "customers")[made]
    assert (stored["name"], stored["metadata"]) == ("Changed", {"plan": "pro"})


def test_the_platform_reads_an_account_until_it_deauthorizes_it(platform, tokens):
    on_behalf = {"stripe_account": ACCOUNT}
    assert platform.v1.customers.list(options=on_behalf).data

    platform.oauth.deauthorize(params={"stripe_user_id": ACCOUNT})

    with pytest.raises(stripe.PermissionError) as refusal:
        platform.v1.customers.list(options=on_behalf)
    assert refusal.value.error.code == "account_invalid"
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient(tokens.access_token).v1.customers.list()


def test_an_unknown_key_is_an_authentication_error():
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key") as refusal:
        stripe.StripeClient("sk_test_unknown").v1.customers.list()

    assert refusal.value.request_id.startswith("req_")


def test_too_many_calls_are_a_rate_limit_error(simulator, key):
    simulator.act("stripe", ACCOUNT, "throttle")

    with pytest.raises(stripe.RateLimitError):
        stripe.StripeClient(key).v1.customers.list()
