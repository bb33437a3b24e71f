"""How to connect every kind in a browser, and how its access ends.

`STORIES` holds the data of each kind; the functions below are the steps that all kinds share.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sequin_admin.credentials import kinds
from sequin_admin.credentials.bases import KeyKind
from sequin_admin.credentials.forms import CredentialForm, input_names, plain_type
from sequin_admin.credentials.properties import Properties
from tests.simulator_server import Simulator

RECONNECT, ENTER_AGAIN = "Reconnect {provider}", "Enter the secret again"


@dataclass(frozen=True)
class Story:
    """How one kind is connected and broken at the simulator.

    `account` is the id of the customer's account, `shown` its name on our page. Form fields come
    from `typed`; all others from what `read` returns, where a field may have another name
    (`called`). `ends` are the switches that end our access, `told` is the start of our message
    about it, and `mended_by` the button that fixes it.
    """

    account: str
    shown: str
    ends: tuple[str, ...]
    told: str
    mended_by: str = RECONNECT
    typed: Mapping[str, Any] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[Simulator, str, str], dict[str, Any]] = Simulator.account


NETSUITE = {"account_id": "1234567_SB1"}
SERVICENOW = {"instance_url": "https://arrakis.service-now.com"}

STORIES = {
    "airtable_oauth2": Story(
        account="usrziLeD23j9AJ1",
        shown="usrziLeD23j9AJ1",
        ends=("revoke",),
        told="Airtable no longer accepts the access it granted to us",
    ),
    "auth0_client_credentials": Story(
        account="arrakis.us.auth0.com",
        shown="arrakis.us.auth0.com",
        read=Simulator.app,
        typed={"domain": "arrakis.us.auth0.com"},
        ends=("unauthorize", "expire"),
        told="Auth0 does not let this application use the Management API",
        mended_by=ENTER_AGAIN,
    ),
    "checkout_champ_password": Story(
        account="user123",
        shown="user123",
        typed={"login_id": "user123"},
        ends=("change_password",),
        told="CheckoutChamp refuses this login",
        mended_by=ENTER_AGAIN,
    ),
    "github_app": Story(
        account="paul-atreides",
        shown="paul-atreides",
        ends=("uninstall",),
        told="The GitHub App was uninstalled from this account",
    ),
    "hubspot_oauth2": Story(
        account="21902692",
        shown="arrakis.io",
        ends=("revoke",),
        told="HubSpot no longer accepts the access it granted to us",
    ),
    "linear_oauth2": Story(
        account="abc123",
        shown="Arrakis Inc.",
        ends=("disable_user", "expire"),
        told="Linear no longer accepts the access it granted to us",
    ),
    "marketo_client_credentials": Story(
        account="123-ABC-456",
        shown="123-ABC-456",
        read=Simulator.app,
        typed={"munchkin_id": "123-ABC-456"},
        ends=("deny_access",),
        told="Marketo denies access",
        mended_by=ENTER_AGAIN,
    ),
    "netsuite_client_credentials": Story(
        account="1234567_SB1",
        shown="1234567_SB1",
        read=Simulator.app,
        typed={**NETSUITE, "scope": ""},
        ends=("expire_certificate", "expire"),
        told="NetSuite no longer accepts the access it granted to us",
        mended_by=ENTER_AGAIN,
    ),
    "netsuite_oauth2": Story(
        account="1234567_SB1",
        shown="1234567_SB1",
        read=Simulator.app,
        typed=NETSUITE,
        ends=("revoke",),
        told="NetSuite no longer accepts the access it granted to us",
    ),
    "netsuite_tba": Story(
        account="1234567_SB1",
        shown="1234567_SB1",
        read=Simulator.app,
        typed=NETSUITE,
        ends=("revoke_token",),
        told="NetSuite refuses this access",
        mended_by=ENTER_AGAIN,
    ),
    "quickbooks_oauth2": Story(
        account="9130357849987654321",
        shown="Giedi Prime [sandbox]",
        typed={"sandbox": True},
        ends=("end_subscription",),
        told="QuickBooks says the company's subscription has ended",
    ),
    "salesforce_oauth2": Story(
        account="00D5g000004ArrakEA",
        shown="00D5g000004ArrakEA",
        typed={"login_host": ""},
        ends=("disable_user", "expire"),
        told="Salesforce no longer accepts the access it granted to us",
    ),
    "sendgrid_key": Story(
        account="giedi-prime",
        shown="giedi-prime",
        called={"api_key": "full_key"},
        ends=("roll_key",),
        told="SendGrid refuses this key",
        mended_by=ENTER_AGAIN,
    ),
    "servicenow_client_credentials": Story(
        account="arrakis",
        shown="arrakis.service-now.com",
        read=Simulator.app,
        typed=SERVICENOW,
        ends=("disable_client_credentials", "expire"),
        told="ServiceNow gives us no more tokens",
        mended_by=ENTER_AGAIN,
    ),
    "servicenow_oauth2": Story(
        account="arrakis",
        shown="arrakis.service-now.com",
        read=Simulator.app,
        typed=SERVICENOW,
        ends=("disable_user",),
        told="ServiceNow gives us no more tokens",
    ),
    "shopify_oauth2": Story(
        account="shop-001.myshopify.com",
        shown="shop-001.myshopify.com",
        typed={"shop": "shop-001.myshopify.com"},
        ends=("uninstall", "revoke"),
        told="Shopify no longer accepts our token",
    ),
    "stripe_key": Story(
        account="acct_1Arrakis0000001",
        shown="acct_1Arrakis0000001",
        typed={"name": "Arrakis [TEST]", "test": True},
        called={"secret": "secret_key"},
        ends=("expire_key",),
        told="Stripe says this key has expired",
        mended_by=ENTER_AGAIN,
    ),
    "stripe_oauth2": Story(
        account="acct_1Arrakis0000001",
        shown="acct_1Arrakis0000001",
        ends=("revoke",),
        told="Stripe no longer accepts the access it granted to us",
    ),
    "workday_oauth2": Story(
        account="arrakis_dpt1",
        shown="arrakis_dpt1",
        read=Simulator.app,
        ends=("revoke",),
        told="Workday no longer accepts the access it granted to us",
    ),
    "workday_password": Story(
        account="arrakis_dpt1",
        shown="ISU_Sequin@arrakis_dpt1",
        typed={"tenant": "arrakis_dpt1"},
        ends=("change_password",),
        told="Workday refuses this user name and password",
        mended_by=ENTER_AGAIN,
    ),
}
OAUTH = [kind for kind in kinds.all() if kind.oauth]
OURS = [kind for kind in kinds.all() if kind.client_is_ours()]
# `make test` connects these in a browser: with our OAuth app, also after a question, as an
# installation, with the customer's client, by a key, by a login.
COMMON = {
    *("airtable_oauth2", "shopify_oauth2", "github_app", "netsuite_client_credentials"),
    *("servicenow_oauth2", "stripe_key", "workday_password"),
}


def asked_of(kind: Any) -> list[str]:
    """The properties in the form of the kind, or before its login."""
    return list(
        kind.oauth.required_properties if kind.oauth else input_names(kind.properties_class)
    )


def way(kind: Any) -> tuple[object, ...]:
    """What makes a difference to a browser: the base of the kind, whose client it is, what else
    leads to it, and the sorts of fields. `dashboard/test_every_kind.py` has the words of each."""
    fields = CredentialForm(kind.properties_class).fields
    sorts = {type(fields[name].widget).__name__ for name in asked_of(kind)}
    bases = [each.__name__ for each in kind.__mro__ if each.__module__ == KeyKind.__module__]
    return (bases[0], kind.client_is_ours(), kind.has_form(), kind.mints_tokens(), *sorted(sorts))


def each_way(
    known: list[Any], others: pytest.MarkDecorator, here: Collection[str] = COMMON
) -> pytest.MarkDecorator:
    """The kinds that are `here`, and one of each other way with the mark of the `others`."""
    first = [kind for kind in known if kind.slug in here]
    met = {way(kind) for kind in first}
    more = {way(kind): kind for kind in reversed(known) if way(kind) not in met}
    rows = [(kind, ()) for kind in first] + [(kind, others) for kind in more.values()]
    return pytest.mark.parametrize(
        "kind", [pytest.param(kind, marks=marks, id=kind.slug) for kind, marks in rows]
    )


def register_callbacks(simulated: Simulator, site: str) -> None:
    """Register `site` as the callback of every app, ours and the customers'."""
    for kind in OAUTH:
        owner = "" if kind.client_is_ours() else STORIES[kind.slug].account
        uri = f"{site}/link/oauth2/callback/{kind.provider}"
        simulated.change_app(kind.provider, owner=owner, redirect_uris=[uri])


def answers(simulated: Simulator, kind: Any) -> dict[str, Any]:
    """Values for the form of `kind`, by property."""
    story = STORIES[kind.slug]
    questions = asked_of(kind)
    if set(questions) <= set(story.typed):
        return dict(story.typed)
    page = story.read(simulated, kind.provider, story.account)
    copied = {n: page[story.called.get(n, n)] for n in questions if n not in story.typed}
    return {**story.typed, **copied}


def fill(page: Page, declared: type[Properties], values: Mapping[str, Any]) -> None:
    """Fill the form, finding each field by its label."""
    for name, value in values.items():
        info = declared.model_fields[name]
        where = page.get_by_label(re.compile(rf"^{re.escape(info.title or name)}\W*$"))
        if plain_type(info.annotation) is bool:
            where.set_checked(value)
        elif where.evaluate("element => element.localName") == "select":
            where.select_option(value)
        else:
            where.fill(str(value))


def add_oauth_app(page: Page, simulated: Simulator, provider: str) -> None:
    """Fill our OAuth app's form with the values of the provider's developer page."""
    flow = kinds.oauth_of(provider)
    assert flow is not None
    known = simulated.app(provider)
    page.get_by_label("Name").fill(f"Our {provider} app")
    page.get_by_label("Client ID").fill(known["client_id"])
    fill(page, flow.app, {name: known[name] for name in flow.app.names() if name in known})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=f"Our {provider} app")).to_be_visible()


def consent(page: Page, account: str, *, allow: bool = True) -> None:
    """On the provider's consent page: choose the account, press Allow (or Deny)."""
    page.get_by_role("radio", name=account).check()
    page.get_by_role("button", name="Allow" if allow else "Deny").click()
