"""HubSpot's own rules, over plain HTTP."""

import pytest

API = "https://api.hubapi.com"
CONTACTS = f"{API}/crm/v3/objects/contacts"
DETAILS = f"{API}/account-info/2026-03/details"
ARRAKIS = "21902692"


@pytest.fixture
def him(customer):
    return customer("hubspot")


def ask(him, path, **fields):
    pair = {"client_id": him.app["client_id"], "client_secret": him.app["client_secret"]}
    return him.simulator.http.post(him.simulator.url_for(f"{API}{path}"), data={**pair, **fields})


def test_a_token_tells_its_account(him):
    tokens = him.connect()

    assert (tokens["hub_id"], tokens["expires_in"]) == (21902692, 1800)
    assert tokens["scopes"] == ["oauth", "crm.objects.contacts.read"]


def test_optional_scopes_are_granted_too(him):
    tokens = him.connect(scope="oauth", optional_scope="tickets")

    assert tokens["scopes"] == ["oauth", "tickets"]


def test_the_refresh_token_stays(him):
    first = him.connect()

    again = him.refresh(first["refresh_token"]).json()

    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] != first["access_token"]


def test_access_tokens_end_by_the_simulated_clock(him, simulator):
    token = him.connect()["access_token"]

    simulator.clock(1740)
    assert him.call(DETAILS, token).json()["portalId"] == 21902692
    simulator.clock(120)
    assert him.call(DETAILS, token).json()["category"] == "EXPIRED_AUTHENTICATION"


def test_a_token_that_never_was_is_invalid(him):
    assert him.call(DETAILS, "nonsense").json()["category"] == "INVALID_AUTHENTICATION"


def test_introspection_knows_a_token_until_it_is_revoked(him):
    tokens = him.connect()
    before = ask(him, "/oauth/2026-03/token/introspect", token=tokens["access_token"]).json()

    ask(him, "/oauth/2026-03/token/revoke", token=tokens["refresh_token"])

    after = ask(him, "/oauth/2026-03/token/introspect", token=tokens["access_token"]).json()
    assert (before["active"], before["hub_domain"]) == (True, "arrakis.io")
    assert before["signed_access_token"]["hubId"] == before["hub_id"]
    of_refresh = ask(him, "/oauth/2026-03/token/introspect", token=him.connect()["refresh_token"])
    assert "signed_access_token" not in of_refresh.json()
    assert after == {"active": False}


def test_the_first_version_tells_less(him):
    fields = {"grant_type": "authorization_code", "redirect_uri": him.redirect_uri}

    tokens = ask(him, "/oauth/v1/token", code=him.code(), **fields).json()

    assert set(tokens) == {"token_type", "access_token", "refresh_token", "expires_in"}
    facts = him.call(f"{API}/oauth/v1/access-tokens/{tokens['access_token']}", "none").json()
    assert facts["hub_domain"] == "arrakis.io"


def test_the_first_version_ends_in_february_2027(him, simulator):
    simulator.clock(400 * 86_400)

    assert ask(him, "/oauth/v1/token", grant_type="refresh_token").status_code == 410


def test_the_journal_shows_no_token(him, simulator):
    token = him.connect()["access_token"]

    him.call(f"{API}/oauth/v1/access-tokens/{token}", "none")

    assert token not in str(simulator.calls("hubspot"))
    assert simulator.calls("hubspot")[-1]["endpoint"].endswith("/access-tokens/***")


def test_an_uninstalled_apps_refresh_is_refused_until_it_is_installed_again(him, simulator):
    refresh = him.connect()["refresh_token"]
    simulator.act("hubspot", ARRAKIS, "uninstall")

    refused = him.refresh(refresh)

    assert (refused.status_code, refused.json()["status"]) == (400, "BAD_REFRESH_TOKEN")
    assert him.connect()["access_token"]
    assert simulator.account("hubspot", ARRAKIS)["state"] == []


def test_a_dropped_scope_is_missed_by_name(him, simulator):
    token = him.connect()["access_token"]
    simulator.act("hubspot", ARRAKIS, "drop_scope")

    answer = him.call(CONTACTS, token)

    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    context = answer.json()["errors"][0]["context"]
    assert context == {"requiredGranularScopes": ["crm.objects.contacts.read"]}


def test_the_limit_is_counted_and_told(him, simulator):
    token = him.connect()["access_token"]
    simulator.stop_clock()

    answers = [him.call(CONTACTS, token) for _ in range(111)]

    assert [a.status_code for a in answers] == [200] * 110 + [429]
    left = [a.headers["x-hubspot-ratelimit-remaining"] for a in answers]
    assert (left[0], left[109], left[110]) == ("109", "0", "0")
    assert answers[-1].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    simulator.clock(11)
    assert him.call(CONTACTS, token).status_code == 200


def test_contacts_come_in_pages_with_their_times(him, simulator):
    simulator.set_count("hubspot", ARRAKIS, 5)
    token = him.connect()["access_token"]

    first = him.call(f"{CONTACTS}?limit=4", token).json()
    after = first["paging"]["next"]["after"]
    last = him.call(f"{CONTACTS}?limit=4&after={after}", token).json()

    assert len(first["results"]) == 4
    assert [one["id"] for one in last["results"]] == ["5"]
    assert {"createdAt", "updatedAt", "archived"} <= last["results"][0].keys()
    assert "paging" not in last


def test_deleting_a_refresh_token_ends_nothing_else(him):
    tokens = him.connect()
    url = him.simulator.url_for(f"{API}/oauth/v1/refresh-tokens/{tokens['refresh_token']}")

    answers = [him.simulator.http.delete(url).status_code for _ in range(2)]

    assert answers == [204, 404]
    assert him.refresh(tokens["refresh_token"]).json()["status"] == "BAD_REFRESH_TOKEN"
    assert him.call(CONTACTS, tokens["access_token"]).status_code == 200


@pytest.fixture
def search(him, simulator):
    """A search of contacts, as JSON is asked for. The clock is stopped and goes on a second a
    call, as at most five searches a second are answered."""
    simulator.stop_clock()
    token = him.connect(scope="oauth crm.objects.contacts.read crm.objects.contacts.write")
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def search(method="POST", path="/search", pause_s=1, **body):
        simulator.clock(pause_s)
        url = simulator.url_for(f"{CONTACTS}{path}")
        return simulator.http.request(method, url, json=body, headers=headers)

    return search


def only(name, operator, value, **more):
    return [{"filters": [{"propertyName": name, "operator": operator, "value": value, **more}]}]


def test_a_search_counts_all_and_ends_at_10000(search, simulator):
    simulator.set_count("hubspot", ARRAKIS, 12_000, "contacts")
    simulator.clock(10)

    last = search(limit=200, after=9_800).json()
    over = search(limit=200, after=9_801)

    assert (last["total"], len(last["results"])) == (12_000, 200)
    assert last["paging"]["next"]["after"] == "10000"
    assert (over.status_code, over.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_search_filters_and_sorts(search):
    groups = only("hs_object_id", "BETWEEN", "10", highValue="13")
    found = search(
        filterGroups=groups, sorts=[{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
    )
    mail = found.json()["results"][1]["properties"]["email"]
    by_mail = search(filterGroups=only("email", "EQ", mail.upper())).json()["results"]
    either = search(filterGroups=[*only("email", "EQ", mail), *only("hs_object_id", "LT", "3")])

    assert [one["id"] for one in found.json()["results"]] == ["13", "12", "11", "10"]
    assert [one["id"] for one in by_mail] == ["12"]
    assert [one["id"] for one in either.json()["results"]] == ["1", "2", "12"]


def test_a_search_lags_behind_what_is_written(search, simulator):
    new = search("POST", "", properties={"email": "new@arrakis.io"}).json()["id"]
    by_mail = only("email", "EQ", "new@arrakis.io")

    assert search(filterGroups=by_mail).json()["total"] == 0
    assert search("GET", f"/{new}").status_code == 200
    simulator.clock(5)
    assert [one["id"] for one in search(filterGroups=by_mail).json()["results"]] == [new]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "x"},
        {"filterGroups": only("email", "LIKE", "x")},
        {"filterGroups": [{"filters": [{"operator": "EQ"}]}]},
        {"filterGroups": [{"filters": []}] * 6},
        {"sorts": ["a", "b"]},
    ],
)
def test_a_search_refuses_what_it_cannot_mean(search, body):
    assert search(**body).status_code == 400


def test_five_searches_a_second_are_answered(search):
    answers = [search(pause_s=0).status_code for _ in range(6)]

    assert answers == [200] * 5 + [429]


def test_writing_needs_its_scope(him, simulator):
    token = him.connect()["access_token"]

    answer = simulator.http.post(
        simulator.url_for(CONTACTS),
        json={"properties": {}},
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.json()["category"] == "MISSING_SCOPES"


def test_archived_contacts_are_listed_apart(search):
    gone = [str(n) for n in (4, 2, 9)]
    for one in gone:
        assert search("DELETE", f"/{one}").status_code == 204

    first = search("GET", "?archived=true&limit=2").json()
    after = first["paging"]["next"]["after"]
    last = search("GET", f"?archived=true&limit=2&after={after}").json()

    assert [one["id"] for one in (*first["results"], *last["results"])] == gone
    assert first["results"][0]["archivedAt"]
    assert search("GET", "/4").status_code == 404
    assert search("GET", "/4?archived=true").json()["archived"] is True


def test_introspection_may_leave_the_domain_out(him, simulator):
    token = him.connect()["access_token"]
    simulator.act("hubspot", him.account, "hide_domain")

    told = ask(him, "/oauth/2026-03/token/introspect", token=token).json()

    assert (told["active"], told["token"], told["hub_id"]) == (True, token, int(him.account))
    assert "hub_domain" not in told
