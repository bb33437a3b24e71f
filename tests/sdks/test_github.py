"""PyGithub, the best known SDK for GitHub, against the simulated GitHub."""

import github
import pytest
from github import Auth, Github, GithubIntegration

LOGIN, NUMBER = "paul-atreides", 47232440
HURRY = {"retry": None, "seconds_between_requests": 0, "seconds_between_writes": 0}
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    return simulator.app("github")


@pytest.fixture
def code(app, consent):
    """Install the app; returns the code that proves who did it."""
    url = f"https://github.com/apps/{app['slug']}/installations/new?state=s"
    return consent(url, LOGIN)["code"]


@pytest.fixture
def oauth(app):
    return Github(**HURRY).get_oauth_application(app["client_id"], app["client_secret"])


@pytest.fixture
def integration(app, code):
    auth = Auth.AppAuth(app["client_id"], app["private_key"])
    return GithubIntegration(auth=auth, **HURRY)


@pytest.fixture
def installation(integration):
    return integration.get_app_installation(NUMBER)


def test_a_code_tells_whose_installation_it_is(oauth, code):
    token = oauth.get_access_token(code)
    user = Github(auth=Auth.Token(token.token), **HURRY).get_user()

    assert [installation.id for installation in user.get_installations()] == [NUMBER]


def test_a_code_works_once(oauth, code):
    oauth.get_access_token(code)

    with pytest.raises(github.GithubException) as refusal:
        oauth.get_access_token(code)
    assert refusal.value.data["error"] == "bad_verification_code"


def test_an_app_reads_what_it_was_installed_for(installation):
    assert (installation.account.login, installation.app_id) == (LOGIN, 310104)
    assert [one.full_name for one in installation.get_repos()] == [
        "paul-atreides/sietch",
        "paul-atreides/spice",
    ]


def test_pages_follow_one_another(app, code):
    auth = Auth.AppAuth(app["client_id"], app["private_key"])
    integration = GithubIntegration(auth=auth, per_page=1, **HURRY)

    repositories = list(integration.get_app_installation(NUMBER).get_repos())

    assert [one.name for one in repositories] == ["sietch", "spice"]


def test_issues_are_read_to_the_last_page(simulator, installation):
    simulator.set_count("github", LOGIN, 65, "sietch/issues")

    issues = installation.get_repos()[0].get_issues(state="all")

    assert len({one.number for one in issues}) == 65


def test_what_is_written_is_read_back_and_stands_in_the_oracle(installation, oracle):
    repository = installation.get_repos()[0]
    made = repository.create_issue(title="Written", labels=["bug"])

    made.edit(title="Changed")

    assert repository.get_issue(made.number).title == "Changed"
    stored = oracle("github", LOGIN, "sietch/issues")[str(made.number)]
    assert (stored["title"], stored["labels"][0]["name"]) == ("Changed", "bug")


def test_a_token_ends_within_the_hour_and_tells_its_rights(integration):
    token = integration.get_access_token(NUMBER)

    assert token.token.startswith("ghs_")
    assert token.expires_at.tzinfo is not None
    assert token.permissions["contents"] == "read"


def test_a_revoked_token_is_a_bad_credential(simulator, installation):
    assert list(installation.get_repos())

    simulator.act("github", LOGIN, "revoke")

    with pytest.raises(github.BadCredentialsException):
        list(installation.get_repos())


def test_an_uninstalled_app_finds_nothing(simulator, integration):
    simulator.act("github", LOGIN, "uninstall")

    with pytest.raises(github.UnknownObjectException):
        integration.get_access_token(NUMBER)


def test_too_many_calls_are_a_rate_limit_error(simulator, installation):
    assert list(installation.get_repos())

    simulator.act("github", LOGIN, "throttle")

    with pytest.raises(github.RateLimitExceededException):
        list(installation.get_repos())
