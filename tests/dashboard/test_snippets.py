"""The code snippets on a credential's page run unchanged."""

import os
import re
import subprocess
import sys

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.core.env import ROOT
from sequin_admin.dashboard import snippets
from tests.factories import make_credential
from tests.patience import PATIENCE_S


def way(slug, credential, base):
    (found,) = [way for way in snippets.build_snippets(credential, base) if way.slug == slug]
    return found.snippets


@pytest.fixture
def page(client, user, organization, settings):
    settings.PUBLIC_URL = "https://sequin.arrakis.test"
    credential = make_credential(organization, "stripe_key")
    client.force_login(user)
    return client.get(f"/credentials/{credential.pk}/use/").content.decode(), credential


def test_the_page_shows_every_way_with_its_own_id(page):
    html, credential = page
    card = html[html.index('id="use-it"') :]

    for way in snippets.build_snippets(credential, "https://sequin.arrakis.test"):
        assert f"<summary>{way.title}</summary>" in card
    assert f"https://sequin.arrakis.test/v1/credentials/{credential.pk}/token" in card
    assert f"sequin-admin credentials get {credential.pk}" in card
    assert card.count("data-copy=") == card.count('<pre class="snippet">') == 5


@pytest.mark.parametrize("number", range(3))
def test_curl_addresses_answer_a_key_with_the_named_scopes(client, organization, number):
    credential = make_credential(organization, "stripe_key")
    snippet = way("curl", credential, "http://testserver")[number]
    scopes = list(snippet.scopes)
    _, token = keys.create(organization, name="curl", scopes=scopes, actor=None)
    body = re.findall(r"-d '(.*)'", snippet.text)

    answer = client.generic(
        "POST" if body else "GET",
        re.findall(r"http://\S+", snippet.text)[0],
        "".join(body),
        "application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 200


@pytest.fixture
def run(live_server, organization):
    """Run a program against the server with a key that has the snippets' scopes."""
    keys._cache.clear()
    _, token = keys.create(organization, name="snippet", scopes=list(Scope), actor=None)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SEQUIN_API_KEY": token}

    def run(*command):
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S)

    return run


@pytest.mark.parametrize("kind", ["hubspot_oauth2", "checkout_champ_password"])
def test_the_python_lines_run_as_they_are(live_server, run, connected, kind):
    credential = connected(kind)
    (snippet,) = way("python", credential, live_server.url)

    ended = run(sys.executable, "-c", snippet.text)

    assert ended.stderr == ""
    assert ended.stdout.strip().isdigit()


def test_the_python_lines_of_a_login_give_it_out(live_server, run, connected):
    credential = connected("workday_password")
    (snippet,) = way("python", credential, live_server.url)

    ended = run(sys.executable, "-c", snippet.text)

    assert (ended.stderr, ended.stdout) == ("", "['password', 'username']\n")
