"""What every simulated authorization server enforces."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.simulator.customer import SERVERS

ALL = pytest.mark.parametrize("provider", SERVERS)
NOT_STRIPE = pytest.mark.parametrize("provider", [name for name in SERVERS if name != "stripe"])


@ALL
def test_a_code_buys_tokens_once(customer, provider):
    him = customer(provider)
    code = him.code()

    assert him.redeem(code).json()["access_token"]
    again = him.redeem(code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@ALL
def test_of_many_who_come_at_once_one_gets_the_tokens(customer, provider):
    him = customer(provider)
    code = him.code()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: him.redeem(code).status_code, range(8)))

    assert sorted(answers) == [200] + [400] * 7


@ALL
def test_a_code_is_over_after_five_minutes(customer, simulator, provider):
    him = customer(provider)
    code = him.code()

    simulator.clock(301)

    assert him.redeem(code).json()["error"] == "invalid_grant"


@ALL
def test_an_address_that_is_not_registered_is_never_sent_to(customer, simulator, provider):
    him = customer(provider)

    page = simulator.http.get(simulator.url_for(him.address(redirect_uri=f"{him.redirect_uri}/")))

    assert page.status_code == 400
    assert "location" not in page.headers
    assert "not registered" in page.text


@NOT_STRIPE
def test_the_redirect_uri_is_asked_for_again(customer, provider):
    him = customer(provider)

    other = him.redeem(him.code(), redirect_uri="https://elsewhere.example/cb")

    assert other.json()["error"] == "invalid_grant"


@ALL
def test_an_unknown_client_is_never_sent_back(customer, simulator, provider):
    page = simulator.http.get(simulator.url_for(customer(provider).address(client_id="nobody")))

    assert page.status_code == 400
    assert "No app has this client id" in page.text


@ALL
@pytest.mark.parametrize("secret", ["wrong", "fälschlich"])
def test_a_wrong_secret_is_refused(customer, provider, secret):
    him = customer(provider)

    answer = him.post({"grant_type": "refresh_token", "refresh_token": "x"}, secret=secret)

    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == "invalid_client"


@NOT_STRIPE
def test_the_other_way_to_sign_in_is_refused(customer, provider):
    him = customer(provider)
    other = "body" if him.auth == "basic" else "basic"

    answer = him.post({"grant_type": "refresh_token", "refresh_token": "x"}, auth=other)

    assert answer.json()["error"] == "invalid_client"


@ALL
def test_a_grant_type_must_be_named_and_known(customer, provider):
    him = customer(provider)

    assert him.post({"code": him.code()}).json()["error"] == "unsupported_grant_type"
    assert him.post({"grant_type": "password"}).json()["error"] == "unsupported_grant_type"


@ALL
def test_json_is_not_a_form(customer, simulator, provider):
    him = customer(provider)
    fields = {"grant_type": "authorization_code", "code": him.code()}
    fields |= {"client_id": him.app["client_id"], "client_secret": him.app["client_secret"]}

    answer = simulator.http.post(simulator.url_for(him.token_url), json=fields)

    assert answer.status_code in (400, 401)


@ALL
def test_state_comes_back_as_it_went(customer, provider):
    query = customer(provider).callback(state="a b&c=d", allow=False)

    assert (query["state"], query["error"]) == ("a b&c=d", "access_denied")


@ALL
def test_consent_without_an_account_leads_nowhere(customer, simulator, provider):
    address = simulator.url_for(customer(provider).address())

    for form in ({"allow": "1"}, {"allow": "1", "account": "nobody"}):
        answer = simulator.http.post(address, data=form)
        assert answer.status_code == 400
        assert "No account was chosen" in answer.text


@pytest.mark.parametrize("provider", ["airtable", "salesforce"])
def test_pkce_is_demanded_and_checked(customer, simulator, provider):
    him = customer(provider)
    without = simulator.http.get(simulator.url_for(him.address(code_challenge_method="plain")))

    assert "error=invalid_request" in without.headers["location"]
    for wrong in ("x" * 50, ""):
        assert him.redeem(him.code(), code_verifier=wrong).json()["error"] == "invalid_grant"


def test_linears_refresh_token_may_be_repeated_for_half_an_hour(customer, simulator):
    him = customer("linear")
    first = him.connect()["refresh_token"]
    answer = him.refresh(first).json()

    assert him.refresh(first).json() == answer
    simulator.clock(1801)
    assert him.refresh(first).json()["error"] == "invalid_grant"


@ALL
def test_a_lost_answer_was_given_all_the_same(customer, simulator, provider):
    him = customer(provider)
    refresh = him.connect()["refresh_token"]
    simulator.act(provider, him.account, "lost_response")

    with pytest.raises(httpx2.TransportError, match=r"disconnected|reset|closed"):
        him.refresh(refresh)

    assert simulator.calls(provider)[-1]["status"] == 200
    assert him.refresh(refresh).status_code == (400 if provider == "airtable" else 200)
