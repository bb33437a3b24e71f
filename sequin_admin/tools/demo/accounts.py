"""Accounts of the invented customers at the simulator, in the form of each provider."""

from collections.abc import Callable
from typing import Any

from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import input_names
from sequin_admin.tools.demo.customers import Customer, Place
from sequin_admin.tools.simulator import SimulatorControl

# Where the simulator begins with 0 and 1.
FIRST = 100
KEY_CHARS = 24


def stripe(customer: Customer) -> dict[str, Any]:
    mark = customer.short.ljust(KEY_CHARS, "0")
    return {
        "id": f"acct_1Demo{customer.number:03}{customer.short}",
        "data": {
            "email": customer.contact,
            "secret_key": f"sk_test_{mark}",
            "restricted_key": f"rk_test_{mark}",
            "live_key": f"sk_live_{mark}",
        },
    }


def sendgrid(customer: Customer) -> dict[str, Any]:
    mark = customer.short.ljust(22, "0")
    return {
        "id": customer.slug,
        "data": {
            "region": "global",
            "user_id": 20_000 + customer.number,
            "full_key": f"SG.{mark}.{'f' * 43}",
            "restricted_key": f"SG.{mark}.{'r' * 43}",
        },
    }


def workday(customer: Customer) -> dict[str, Any]:
    tenant = f"{customer.short}_dpt1"
    return {
        "id": tenant,
        "data": {"username": f"ISU_Sequin@{tenant}", "password": f"coffee-{tenant}"},
        "app": {
            "client_id": f"{tenant}-api-client",
            "tenant": tenant,
            "authorization_endpoint": f"https://impl.workday.com/{tenant}/authorize",
        },
    }


# The id and data of a customer's account, by provider.
ACCOUNTS: dict[str, Callable[[Customer], dict[str, Any]]] = {
    "airtable": lambda c: {
        "id": f"usr{c.short.ljust(14, '0')[:14]}",
        "data": {"email": c.contact},
    },
    "auth0": lambda c: {"id": f"{c.slug}.us.auth0.com", "data": {"support_email": c.contact}},
    "checkout_champ": lambda c: {"id": c.short, "data": {"password": f"order-{c.short}"}},
    "github": lambda c: {
        "id": c.slug,
        "data": {"type": "Organization", "installation_id": 50_000_000 + c.number},
    },
    "hubspot": lambda c: {
        "id": str(40_000_000 + c.number),
        "data": {"hub_domain": f"{c.slug}.example", "user_id": 4_000 + c.number},
    },
    "linear": lambda c: {"id": c.short, "data": {"url_key": c.short, "viewer": c.contact}},
    "marketo": lambda c: {
        "id": f"{FIRST + c.number}-{c.short[:3].upper()}-{FIRST + c.number}",
        "data": {"api_user": c.contact},
    },
    "netsuite": lambda c: {"id": str(5_000_000 + c.number), "data": {}},
    "quickbooks": lambda c: {"id": f"93413530000000{FIRST + c.number}", "data": {"sandbox": False}},
    "salesforce": lambda c: {
        "id": f"00D5g00000{FIRST + c.number}DemoEA"[:18],
        "data": {"domain": c.short, "user": f"0055g00{FIRST + c.number}D"},
    },
    "sendgrid": sendgrid,
    "servicenow": lambda c: {
        "id": c.slug,
        "data": {"sys_id": f"{FIRST + c.number}".ljust(32, "0")},
    },
    "shopify": lambda c: {
        "id": f"{c.slug}.myshopify.com",
        "data": {"number": 600_000_000 + c.number},
    },
    "stripe": stripe,
    "workday": workday,
}


def add_account(simulator: SimulatorControl, place: Place, like: str) -> str:
    """Create the customer's account at the simulator, once. Returns its id."""
    provider = kinds.get(place.kind).provider
    account = ACCOUNTS[provider](place.customer)
    name = place.customer.name
    simulator.post(f"{provider}/accounts/add", like=like, name=name, **account)
    return str(account["id"])


# Properties that the simulator knows by another name.
CALLED = {"api_key": "full_key", "secret": "secret_key"}


def entered(simulator: SimulatorControl, place: Place, account: str) -> dict[str, Any]:
    """What somebody types to connect the account: its page's values and those of its own app."""
    kind = kinds.get(place.kind)
    rows = simulator.get(f"{kind.provider}/accounts")["data"]
    page = next(row for row in rows if row["id"] == account)
    known = {**page, **typed(kind.provider, place.customer, account)}
    wanted = kind.oauth.required_properties if kind.oauth else input_names(kind.properties_class)
    named = {name: CALLED.get(name, name) for name in wanted}
    if not known.keys() >= set(named.values()):
        known = {**simulator.app_of(kind.provider, account), **known}
    return {name: known[key] for name, key in named.items() if key in known}


def typed(provider: str, customer: Customer, account: str) -> dict[str, Any]:
    """What is not on the account's page as the form has it."""
    values: dict[str, dict[str, Any]] = {
        "auth0": {"domain": account},
        "checkout_champ": {"login_id": account},
        "marketo": {"munchkin_id": account},
        "netsuite": {"account_id": account},
        "salesforce": {"login_host": "login.salesforce.com"},
        "servicenow": {"instance_url": f"https://{account}.service-now.com"},
        "shopify": {"shop": account},
        "stripe": {"name": f"{customer.name} [TEST]", "test": True},
        "workday": {"tenant": account},
    }
    return values.get(provider, {})
