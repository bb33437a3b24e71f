"""The main workflow by command line alone: connect, import, break, reconnect."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from sequin_admin.credentials.models import Credential
from tests.browser.kinds import register_callbacks
from tests.command_line.conftest import Run
from tests.patience import PATIENCE_S
from tests.simulator_server import Simulator

ARRAKIS, GIEDI_PRIME = "21902692", "33011844"
Customer = Callable[..., str]


@pytest.fixture
def customer(simulated: Simulator, live_server: Any) -> Customer:
    """A customer without a login who follows a link in a browser and connects."""
    register_callbacks(simulated, live_server.url)

    def follow(link: str, account: str, *, allow: bool = True) -> str:
        with httpx2.Client(follow_redirects=True, timeout=PATIENCE_S, trust_env=False) as browser:
            page = browser.get(link)
            form = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', page.text))
            action = page.url.join(re.search(r'<form[^>]*action="([^"]+)"', page.text)[1])
            referer = {"Referer": str(page.url)}
            sent = browser.post(action, data=form, headers=referer, follow_redirects=False)
            back = simulated.consent(sent.headers["Location"], account=account, allow=allow)
            return browser.get(back).text

    return follow


@pytest.mark.faults
def test_the_main_job(run: Run, simulated: Simulator, customer: Customer, tmp_path: Any) -> None:
    app = register_app(run, simulated, "hubspot", tmp_path)

    link = ("credentials", "connect-link", "--kind", "hubspot_oauth2", "--oauth-app", app)
    address = run(*link).out.strip()
    assert "Access was denied at HubSpot" in customer(address, ARRAKIS, allow=False)
    assert run("credentials", "list", "--json").json["data"] == []
    assert "Thank you" in customer(address, ARRAKIS)
    [hubspot] = run("credentials", "list", "--json").json["data"]
    assert hubspot["properties"]["hub_domain"] == "arrakis.io"

    import_keys(run, simulated, tmp_path)
    for provider, kind, account in (
        ("airtable", "airtable_oauth2", "usrziLeD23j9AJ1"),
        ("github", "github_app", "paul-atreides"),
    ):
        own = register_app(run, simulated, provider, tmp_path)
        link = ("credentials", "connect-link", "--kind", kind, "--oauth-app", own)
        assert "Thank you" in customer(run(*link).out.strip(), account)
    verified = run("credentials", "verify", "--all", "--json")
    assert verified.code == 0
    assert {row["kind"]: row["status"] for row in verified.json["data"]} == {
        "hubspot_oauth2": "healthy",
        "stripe_key": "healthy",
        "checkout_champ_password": "healthy",
        "airtable_oauth2": "healthy",
        "github_app": "healthy",
    }
    assert run("health").code == 0

    simulated.act("hubspot", ARRAKIS, "revoke")
    simulated.act("hubspot", ARRAKIS, "expire")
    broken = run("credentials", "verify", hubspot["id"], "--json")
    assert broken.code == 1
    [row] = broken.json["data"]
    assert row["status"] == "customer_intervention"
    assert "HubSpot no longer accepts the access it granted to us" in row["reason"]
    fleet = run("health")
    assert fleet.code == 1
    assert "HubSpot no longer accepts" in fleet.out

    address = run("credentials", "connect-link", hubspot["id"]).out.strip()
    refused = customer(address, GIEDI_PRIME)
    assert "giedi-prime.net" in refused
    assert "arrakis.io" in refused
    assert run("credentials", "verify", hubspot["id"]).code == 1
    assert "Thank you" in customer(address, ARRAKIS)

    assert run("credentials", "verify", hubspot["id"]).code == 0
    assert Credential.objects.filter(kind="hubspot_oauth2").count() == 1


def register_app(run: Run, simulated: Simulator, provider: str, folder: Any) -> str:
    known = simulated.app(provider)
    named = ["--name", "Our app", "--client-id", known["client_id"], "--json"]
    for name in ("app_id", "slug"):
        named += ["--property", f"{name}={known[name]}"] if name in known else []
    if "private_key" in known:
        (folder / "key.pem").write_text(known["private_key"])
        named += ["--property-file", "private_key=key.pem"]
    made = run("oauth-apps", "create", provider, *named, stdin=known["client_secret"])
    id: str = made.json["id"]
    return id


def import_keys(run: Run, simulated: Simulator, folder: Any) -> None:
    secret = simulated.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    stripe = {"kind": "stripe_key", "name": "Arrakis [TEST]", "secret": secret, "test": True}
    (folder / "keys.json").write_text(json.dumps([{"properties": stripe}]))
    (folder / "shops.csv").write_text(
        "kind,name,login_id,password\ncheckout_champ_password,Shop,user123,password123\n"
    )
    for file in ("keys.json", "shops.csv"):
        done = run("credentials", "import", file, "--json")
        assert (done.code, done.json["created"]) == (0, 1), done
        assert secret not in done.out + done.err
