"""Stripe's own rules, over plain HTTP."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

API = "https://api.stripe.com"
ACCOUNT, CUSTOMERS = f"{API}/v1/account", f"{API}/v1/customers"
ARRAKIS = "acct_1Arrakis0000001"
SECRET, RESTRICTED = "sk_test_arrakis0000000000000001", "rk_test_arrakis0000000000000001"


@pytest.fixture
def him(customer):
    return customer("stripe")


@pytest.fixture
def platform(him):
    return him.app["client_secret"]


def deauthorize(him, key, user=ARRAKIS):
    url = him.simulator.url_for("https://connect.stripe.com/oauth/deauthorize")
    form = {"client_id": him.app["client_id"], "stripe_user_id": user}
    return him.simulator.http.post(url, data=form, headers={"Authorization": f"Bearer {key}"})


def error(answer):
    known = answer.json()["error"]
    return answer.status_code, known.get("code", ""), known["message"]


def test_connecting_tells_account_mode_and_scope_and_no_end(him):
    tokens = him.connect()

    known = {"stripe_user_id": ARRAKIS, "livemode": False, "scope": "read_write"}
    assert tokens.items() >= known.items()
    assert "expires_in" not in tokens
    assert tokens["access_token"].startswith("sk_test_")
    assert him.call(ACCOUNT, tokens["access_token"]).json()["id"] == ARRAKIS


def test_a_live_platform_gets_live_tokens(him, simulator, platform):
    simulator.change_app("stripe", client_secret="sk_live_platform")
    him.app["client_secret"] = "sk_live_platform"

    tokens = him.connect()
    simulator.change_app("stripe", client_secret=platform)

    assert tokens["livemode"] is True
    assert tokens["access_token"].startswith("sk_live_")


def test_the_callback_tells_the_scope(him):
    assert him.callback()["scope"] == "read_write"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"scope": "everything"}, "invalid_scope"), ({"response_type": "token"}, "unsupported_re")],
)
def test_a_wrong_request_comes_back_as_an_error(him, simulator, changes, code):
    answer = simulator.http.get(simulator.url_for(him.address(**changes)))

    assert f"error={code}" in urlsplit(answer.headers["location"]).query


@pytest.mark.parametrize("style", ["client_secret", "bearer", "basic"])
def test_the_platform_key_may_come_in_three_ways(him, simulator, platform, style):
    fields = {"grant_type": "authorization_code", "code": him.code()}
    options = {
        "client_secret": {"data": {**fields, "client_secret": platform}},
        "bearer": {"data": fields, "headers": {"Authorization": f"Bearer {platform}"}},
        "basic": {"data": fields, "auth": (platform, "")},
    }

    answer = simulator.http.post(simulator.url_for(him.token_url), **options[style])

    assert answer.json()["stripe_user_id"] == ARRAKIS


def test_the_refresh_token_stays(him):
    first = him.connect()["refresh_token"]

    assert him.refresh(first).json()["refresh_token"] == first


def test_the_platform_key_opens_a_connected_account_until_it_is_disconnected(him, platform):
    token = him.connect()["access_token"]
    header = {"Stripe-Account": ARRAKIS}
    assert him.call(ACCOUNT, platform, **header).json()["id"] == ARRAKIS

    assert deauthorize(him, platform).json() == {"stripe_user_id": ARRAKIS}

    status, code, _ = error(him.call(ACCOUNT, platform, **header))
    assert (status, code) == (403, "account_invalid")
    assert him.call(ACCOUNT, token).status_code == 401
    assert deauthorize(him, platform).json()["error"] == "invalid_client"


def test_a_restricted_key_may_not_read_its_account_but_customers(him):
    status, _, message = error(him.call(ACCOUNT, RESTRICTED))

    assert status == 403
    assert "does not have the required permissions" in message
    assert len(him.call(CUSTOMERS, RESTRICTED).json()["data"]) == 10


def test_a_wrong_key_is_shown_masked(him):
    status, _, message = error(him.call(ACCOUNT, "sk_test_nobodys000000000"))

    assert status == 401
    assert "nobodys" not in message


def test_an_expired_key_says_so(him, simulator):
    simulator.act("stripe", ARRAKIS, "expire_key")

    assert error(him.call(ACCOUNT, SECRET))[:2] == (401, "api_key_expired")


def test_a_rolled_key_is_unknown(him, simulator):
    simulator.act("stripe", ARRAKIS, "roll_key")

    assert him.call(ACCOUNT, SECRET).status_code == 401
    rolled = simulator.account("stripe", ARRAKIS)["secret_key"]
    assert him.call(ACCOUNT, rolled).json()["id"] == ARRAKIS


def test_the_limit_is_that_of_the_mode(him, simulator):
    simulator.stop_clock()

    answers = [him.call(CUSTOMERS, SECRET) for _ in range(26)]

    assert [a.status_code for a in answers] == [200] * 25 + [429]
    assert error(answers[-1])[1] == "rate_limit"
    live = him.call(CUSTOMERS, "sk_live_arrakis0000000000000001")
    assert live.status_code == 200


def test_customers_come_in_pages(him, simulator):
    simulator.set_count("stripe", ARRAKIS, 5)

    first = him.call(f"{CUSTOMERS}?limit=3", SECRET).json()
    after = first["data"][-1]["id"]
    last = him.call(f"{CUSTOMERS}?limit=3&starting_after={after}", SECRET).json()

    assert (len(first["data"]), first["has_more"], first["url"]) == (3, True, "/v1/customers")
    assert (len(last["data"]), last["has_more"]) == (2, False)


@pytest.mark.parametrize("key", [SECRET, "sk_test_wrong"])
def test_every_answer_has_a_number_of_its_own(him, key):
    ids = {him.call(CUSTOMERS, key).headers["Request-Id"] for _ in range(2)}

    assert len(ids) == 2


TOKEN = "https://api.stripe.com/v1/oauth/token"


@pytest.fixture
def app(simulator):
    """The developer's Stripe App."""
    return simulator.app("stripe", "stripe-apps")


@pytest.fixture
def ask(simulator, app):
    """A token request of the app's developer; `key` replaces the secret key."""

    def ask(key="", url=TOKEN, **fields):
        pair = (key or app["client_secret"], "")
        return simulator.http.post(simulator.url_for(url), data=fields, auth=pair)

    return ask


@pytest.fixture
def install(simulator, app):
    def install(link="oauth/v2/authorize"):
        uri = app["redirect_uris"][0]
        query = {"client_id": app["client_id"], "redirect_uri": uri, "state": "s1"}
        address = f"https://marketplace.stripe.com/{link}?{urlencode(query)}"
        back = simulator.consent(address, account=ARRAKIS)
        return dict(parse_qsl(urlsplit(back).query))["code"]

    return install


@pytest.fixture
def pair(ask, install):
    return ask(grant_type="authorization_code", code=install()).json()


def test_a_stripe_app_gets_tokens_that_name_no_end_and_have_one(him, pair, simulator):
    assert pair["scope"] == "stripe_apps"
    assert pair["stripe_user_id"] == ARRAKIS
    assert "expires_in" not in pair
    assert him.call(ACCOUNT, pair["access_token"]).status_code == 200

    simulator.clock(3601)

    assert him.call(ACCOUNT, pair["access_token"]).status_code == 401


def test_its_refresh_token_is_spent_at_once(ask, pair):
    first = pair["refresh_token"]

    second = ask(grant_type="refresh_token", refresh_token=first).json()["refresh_token"]

    assert second != first
    again = ask(grant_type="refresh_token", refresh_token=first)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert ask(grant_type="refresh_token", refresh_token=second).status_code == 200


def test_its_refresh_token_lives_for_a_year(ask, pair, simulator):
    simulator.clock(366 * 86_400)

    answer = ask(grant_type="refresh_token", refresh_token=pair["refresh_token"])

    assert answer.json()["error"] == "invalid_grant"


def test_an_app_in_external_test_has_a_link_of_its_own(install):
    assert install("oauth/v2/chnlink_abc123/authorize")


def test_each_sort_of_app_is_known_at_its_own_addresses_only(him, ask, install, platform):
    assert ask(key=platform, grant_type="authorization_code", code=install()).status_code == 401
    assert ask(url=him.token_url, grant_type="authorization_code", code="x").status_code == 401


def test_uninstalling_ends_an_apps_tokens(him, ask, app, pair):
    url = "https://api.stripe.com/v1/oauth/deauthorize"

    answer = ask(url=url, client_id=app["client_id"], stripe_user_id=ARRAKIS)

    assert answer.json() == {"stripe_user_id": ARRAKIS}
    assert him.call(ACCOUNT, pair["access_token"]).status_code == 401


def test_pages_lose_nothing_while_rows_come_and_go(him, simulator):
    simulator.set_count("stripe", ARRAKIS, 40)
    simulator.set_heart("stripe", ARRAKIS, 3_600)
    simulator.stop_clock()
    start = {one["id"] for one in simulator.rows("stripe", ARRAKIS, "customers")["rows"]}
    seen, query = set(), "?limit=5"

    while query:
        page = him.call(f"{CUSTOMERS}{query}", SECRET).json()
        seen |= {one["id"] for one in page["data"]}
        query = f"?limit=5&starting_after={page['data'][-1]['id']}" if page["has_more"] else ""
        simulator.clock(3)

    known = simulator.rows("stripe", ARRAKIS, "customers")
    assert len(known["tombstones"]) > 3
    assert start - {one["id"] for one in known["tombstones"]} <= seen


def test_events_go_back_for_thirty_days_and_tell_of_each_change(him, simulator):
    simulator.stop_clock()
    simulator.set_count("stripe", ARRAKIS, 40)
    simulator.set_heart("stripe", ARRAKIS, 1)
    simulator.clock(40 * 86_400)
    events = f"{API}/v1/events"

    newest = him.call(f"{events}?limit=100", SECRET).json()["data"]
    oldest = him.call(f"{events}?limit=1&created[lt]={newest[0]['created'] - 29 * 86_400}", SECRET)

    types = {one["type"] for one in newest}
    assert {"customer.created", "customer.updated", "customer.deleted"} <= types
    assert "charge.succeeded" in types
    last = oldest.json()["data"][0]
    assert him.call(f"{events}/{last['id']}", SECRET).json() == last
    simulator.clock(2 * 86_400)
    assert error(him.call(f"{events}/{last['id']}", SECRET))[:2] == (404, "resource_missing")
    deleted = next(one for one in newest if one["type"] == "customer.deleted")
    person = deleted["data"]["object"]["id"]
    assert him.call(f"{CUSTOMERS}/{person}", SECRET).json() == {
        "id": person,
        "object": "customer",
        "deleted": True,
    }


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "starting_after=cus_no", "created[gte]=soon"],
)
def test_a_list_refuses_what_it_cannot_mean(him, query):
    assert error(him.call(f"{CUSTOMERS}?{query}", SECRET))[0] == 400


def test_customers_are_found_by_mail_and_time(him):
    first = him.call(f"{CUSTOMERS}?limit=3", SECRET).json()["data"]

    found = him.call(f"{CUSTOMERS}?email={first[2]['email']}", SECRET).json()["data"]
    later = him.call(f"{CUSTOMERS}?created[gt]={first[2]['created']}", SECRET).json()["data"]

    assert [one["id"] for one in found] == [first[2]["id"]]
    assert [one["id"] for one in later] == [one["id"] for one in first[:2]]
