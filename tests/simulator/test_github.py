"""GitHub's own rules, over plain HTTP as an independent app."""

import time
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PAUL, ARRAKIS_INC = 47232440, 47232441
API = "https://api.github.com"
REPOSITORIES = "/installation/repositories"


class App:
    """An app with the credentials of the developer page."""

    def __init__(self, simulator):
        self.simulator, self.known = simulator, simulator.app("github")

    def install(self, account="paul-atreides", *, allow=True):
        url = f"https://github.com/apps/{self.known['slug']}/installations/new?state=s1"
        back = self.simulator.consent(url, account=account, allow=allow)
        return dict(parse_qsl(urlsplit(back).query))

    def jwt(self, *, key=None, algorithm="RS256", **changes):
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.known["client_id"], **changes}
        return jwt.encode(claims, key or self.known["private_key"], algorithm=algorithm)

    def call(self, method, path, token=None, **options):
        bearer = {"Authorization": f"Bearer {token or self.jwt()}"}
        url = self.simulator.url_for(f"{API}{path}")
        headers = {**bearer, **options.pop("headers", {})}
        return self.simulator.http.request(method, url, headers=headers, **options)

    def mint(self, number=PAUL):
        return self.call("POST", f"/app/installations/{number}/access_tokens")

    def exchange(self, code, *, secret=None, accept="application/json"):
        pair = {"client_id": self.known["client_id"]}
        pair["client_secret"] = secret or self.known["client_secret"]
        url = self.simulator.url_for("https://github.com/login/oauth/access_token")
        data = {**pair, "code": code}
        return self.simulator.http.post(url, data=data, headers={"Accept": accept})


@pytest.fixture
def app(simulator):
    return App(simulator)


def test_installing_comes_back_with_code_number_and_state(app):
    back = app.install()

    assert back.keys() == {"code", "installation_id", "setup_action", "state"}
    assert (back["installation_id"], back["setup_action"]) == (str(PAUL), "install")
    assert app.install()["setup_action"] == "update"


def test_denying_comes_back_with_an_error(app):
    assert app.install(allow=False)["error"] == "access_denied"


def test_an_owner_may_have_to_approve_first(app, simulator):
    simulator.act("github", "arrakis-inc", "needs_approval")

    back = app.install("arrakis-inc")

    assert back == {"setup_action": "request", "state": "s1"}
    assert app.call("GET", f"/app/installations/{ARRAKIS_INC}").status_code == 404


def test_the_code_proves_whose_installation_it_is(app):
    app.install("arrakis-inc")
    mine = app.exchange(app.install()["code"]).json()["access_token"]

    seen = app.call("GET", "/user/installations", mine).json()["installations"]

    assert [row["id"] for row in seen] == [PAUL]


def test_errors_of_the_exchange_come_with_200(app):
    code = app.install()["code"]
    wrong_secret = app.exchange(code, secret="wrong")
    app.exchange(code)
    used = app.exchange(code)

    assert (wrong_secret.status_code, used.status_code) == (200, 200)
    assert wrong_secret.json()["error"] == "incorrect_client_credentials"
    assert used.json()["error"] == "bad_verification_code"


def test_who_does_not_accept_json_gets_a_form(app):
    answer = app.exchange(app.install()["code"], accept="*/*")

    assert dict(parse_qsl(answer.text))["token_type"] == "bearer"


def test_a_token_is_minted_and_opens_repositories_for_an_hour(app, simulator):
    app.install()

    answer = app.mint()

    token = answer.json()["token"]
    assert (answer.status_code, token[:11]) == (201, "ghs_310104_")
    repositories = app.call("GET", "/installation/repositories", token)
    assert repositories.json()["repositories"][0]["full_name"] == "paul-atreides/sietch"
    assert repositories.headers["x-ratelimit-remaining"] == "4999"
    simulator.clock(3601)
    assert app.call("GET", "/installation/repositories", token).status_code == 401


def test_a_dropped_token_is_over(app):
    app.install()
    token = app.mint().json()["token"]

    assert app.call("DELETE", "/installation/token", token).status_code == 204
    assert app.call("GET", "/installation/repositories", token).status_code == 401


def test_both_ids_of_the_app_are_taken_as_issuer(app):
    for issuer in (app.known["client_id"], app.known["app_id"]):
        assert app.call("GET", "/app", app.jwt(iss=issuer)).json()["slug"] == app.known["slug"]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) + 3600},
        {"exp": int(time.time()) - 1},
        {"exp": "soon"},
        {"iat": int(time.time()) + 86_400},
        {"iss": "1"},
    ],
    ids=["too long", "over", "no number", "not yet", "issuer"],
)
def test_a_wrong_claim_is_401(app, claims):
    assert app.call("GET", "/app", app.jwt(**claims)).status_code == 401


def test_another_key_and_another_algorithm_are_401(app):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    wrong = [app.jwt(key=pem.decode()), app.jwt(key="s" * 32, algorithm="HS256")]

    answers = [app.call("GET", "/app", token).json() for token in wrong]

    assert {a["message"] for a in answers} == {"A JSON web token could not be decoded"}


def test_what_is_not_installed_is_404(app):
    assert app.mint().status_code == 404
    app.install()
    assert app.mint().status_code == 201
    assert app.call("DELETE", f"/app/installations/{PAUL}").status_code == 204
    assert app.mint().status_code == 404
    assert app.call("GET", "/app").status_code == 200


def test_a_suspended_installation_says_so_until_it_is_lifted(app):
    app.install()
    token = app.mint().json()["token"]
    path = f"/app/installations/{PAUL}"
    app.call("PUT", f"{path}/suspended")

    assert "suspended" in app.mint().json()["message"]
    assert app.call("GET", "/installation/repositories", token).status_code == 403
    assert app.call("GET", path).json()["suspended_at"]
    app.call("DELETE", f"{path}/suspended")
    assert app.mint().status_code == 201
    assert app.call("GET", path).json()["suspended_at"] is None


def test_a_permission_that_was_taken_away_is_403(app, simulator):
    app.install()
    simulator.act("github", "paul-atreides", "drop_scope")

    minted = app.mint().json()

    assert minted["permissions"] == {"metadata": "read"}
    answer = app.call("GET", "/installation/repositories", minted["token"])
    assert answer.json()["message"] == "Resource not accessible by integration"


def test_who_does_not_say_who_it_is_stays_out(app):
    answer = app.call("GET", "/app", headers={"User-Agent": ""})

    assert answer.status_code == 403
    assert "User-Agent" in answer.json()["message"]


def test_throttling_is_403_with_nothing_left_and_a_reset(app, simulator):
    app.install()
    token = app.mint().json()["token"]
    simulator.act("github", "paul-atreides", "throttle")

    answer = app.call("GET", "/installation/repositories", token)

    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= 61


def test_the_code_may_come_as_json(app):
    url = app.simulator.url_for("https://github.com/login/oauth/access_token")
    pair = {name: app.known[name] for name in ("client_id", "client_secret")}

    answer = app.simulator.http.post(
        url, json={**pair, "code": app.install()["code"]}, headers={"Accept": "application/json"}
    )

    assert answer.json()["access_token"].startswith("ghu_")


def test_a_token_has_an_older_name_for_its_scheme_that_a_jwt_has_not(app):
    app.install()
    token = app.mint().json()["token"]

    read = app.call("GET", REPOSITORIES, headers={"Authorization": f"token {token}"})
    signed = app.call("GET", "/app", headers={"Authorization": f"token {app.jwt()}"})

    assert (read.status_code, signed.status_code) == (200, 401)


def test_repositories_come_in_pages_that_are_linked(app):
    app.install()
    token = app.mint().json()["token"]

    first = app.call("GET", f"{REPOSITORIES}?per_page=1", token)
    following = first.links["next"]["url"]
    last = app.call("GET", following.removeprefix(API), token)

    assert following.startswith(f"{API}{REPOSITORIES}?")
    assert [one["name"] for one in first.json()["repositories"]] == ["sietch"]
    assert [one["name"] for one in last.json()["repositories"]] == ["spice"]
    assert last.links.keys() == {"prev", "first"}


@pytest.mark.parametrize("query", ["page=x&per_page=-1", "page=0&per_page=0", "page=²"])
def test_a_page_that_is_no_number_is_the_first(app, query):
    app.install()
    token = app.mint().json()["token"]

    assert app.call("GET", f"{REPOSITORIES}?{query}", token).json()["total_count"] == 2
    assert len(app.call("GET", f"{REPOSITORIES}?{query}", token).json()["repositories"]) == 2
    assert len(app.call("GET", f"/app/installations?{query}").json()) == 1


ISSUES = "/repos/paul-atreides/sietch/issues"


@pytest.fixture
def issues(app):
    app.install()
    token = app.mint().json()["token"]
    return lambda query="", method="GET", **options: app.call(
        method, f"{ISSUES}{query}", token, **options
    )


def test_issues_are_open_and_newest_first_unless_asked_otherwise(issues):
    usual = issues("?per_page=100").json()
    all_of_them = issues("?per_page=100&state=all&direction=asc").json()

    assert {one["state"] for one in usual} == {"open"}
    times = [one["created_at"] for one in usual]
    assert times == sorted(times, reverse=True)
    assert [one["number"] for one in all_of_them] == list(range(1, 101))


def test_issues_since_a_time_include_it(issues):
    newest = issues("?state=all&per_page=3&sort=updated").json()

    later = issues(f"?state=all&since={newest[2]['updated_at']}&sort=updated").json()

    assert later == newest


def test_a_deleted_issue_is_gone_and_an_unknown_one_not_found(issues, simulator):
    simulator.set_heart("github", "paul-atreides", 3_600)
    simulator.clock(60)
    known = simulator.rows("github", "paul-atreides", "sietch/issues")

    number = known["tombstones"][0]["id"]

    assert issues(f"/{number}").status_code == 410
    assert issues("/999999").status_code == 404
    assert issues("?since=soon").status_code == 422
    assert issues(method="POST", json={"body": "x"}).status_code == 422


def test_an_enterprise_has_a_slug_and_no_login(app, simulator):
    app.install()
    simulator.act("github", "paul-atreides", "enterprise")

    account = app.call("GET", f"/app/installations/{PAUL}").json()["account"]

    assert account["slug"] == "paul-atreides"
    assert "login" not in account
