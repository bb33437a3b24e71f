"""Maps the names of other products' exports to the properties of our kinds.

An export is treated as a flat bag of names and values: a token response, an address, a login. A
property's value is derived (`WORKED_OUT`) or looked up by the property's name, then by its aliases.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sequin_admin.command_line.formats.shapes import Shape

Bag = Mapping[str, object]

ANYWHERE = {
    "client_id": ("login",),
    "client_secret": ("password",),
    "username": ("login",),
}
OF_KIND: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "airtable_oauth2": {"airtable_uid": ("user_id",)},
    "auth0_client_credentials": {"domain": ("host_name", "host", "api_domain")},
    "checkout_champ_password": {"login_id": ("login", "user_name")},
    "hubspot_oauth2": {"hub_id": ("portal_id",), "scopes": ("scope",), "hub_domain": ("domain",)},
    "linear_oauth2": {
        "linear_org_id": ("organization_id", "org_id"),
        "linear_org_name": ("organization_name", "org_name"),
    },
    "netsuite_tba": {
        "consumer_key": ("client_id",),
        "consumer_secret": ("client_secret",),
    },
    "quickbooks_oauth2": {"realm_id": ("company_id",)},
    "salesforce_oauth2": {"sfid": ("organization_id", "org_id")},
    "sendgrid_key": {"api_key": ("password",)},
    "shopify_oauth2": {"access_token": ("password",)},
    "stripe_key": {"secret": ("secret_key", "api_key", "password", "user_name", "login")},
    "stripe_oauth2": {"account_id": ("stripe_user_id",), "secret": ("refresh_token",)},
    "workday_oauth2": {"host": ("token_domain", "host_name")},
    "workday_password": {"host": ("host_name",)},
}


def squashed(name: str) -> str:
    """Normalized name: accessToken, access_token and ACCESS-TOKEN are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def bag_of(*sources: Any) -> dict[str, Any]:
    """Merge all sources into one bag; later ones win, empty values are ignored."""
    bag: dict[str, Any] = {}
    for source in sources:
        if isinstance(source, dict):
            filled = {k: v for k, v in source.items() if v not in (None, "", {}, [])}
            bag |= {squashed(str(name)): value for name, value in filled.items()}
    return bag


def properties_from(shape: Shape, bag: Bag) -> tuple[dict[str, Any], set[str]]:
    """The kind's properties found in the bag, and the bag's names that were used.

    Raises `ValueError` with a message when a value has the wrong type.
    """
    found: dict[str, Any] = {}
    used: set[str] = set()
    for name in shape.types:
        aliases = (name, *OF_KIND.get(shape.kind, {}).get(name, ()), *ANYWHERE.get(name, ()))
        key = next((squashed(alias) for alias in aliases if squashed(alias) in bag), None)
        work_out = WORKED_OUT.get((shape.kind, name))
        value = work_out(bag) if work_out else None
        if value is None and key:
            value = bag[key]
            used.add(key)
        if value is not None:
            found[name] = shape.value(name, value)
    return {"kind": shape.kind, **found}, used


def text(bag: Bag, *names: str) -> str:
    """The first of these values that is a string, or an empty string."""
    values = (bag.get(squashed(name)) for name in names)
    return next((value.strip() for value in values if isinstance(value, str)), "")


def host_in(address: str) -> str:
    """The host name of a host or URL: `acme.example.com` of `https://acme.example.com/path`."""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def host_under(suffix: str, *names: str) -> Callable[[Bag], str | None]:
    """Finds a host that ends with `suffix`, given in full or by its first label only."""

    def work_out(bag: Bag) -> str | None:
        hosts = [host_in(text(bag, name)) for name in (*names, "host")]
        first = text(bag, "subdomain", "shop_subdomain", "instance").removesuffix(suffix)
        full = [*hosts, f"{first}{suffix}" if re.fullmatch(r"[\w-]+", first) else ""]
        return next((host for host in full if host.endswith(suffix)), None)

    return work_out


def address_under(suffix: str, *names: str) -> Callable[[Bag], str | None]:
    find = host_under(suffix, *names)

    def work_out(bag: Bag) -> str | None:
        host = find(bag)
        return f"https://{host}" if host else None

    return work_out


def munchkin_id(bag: Bag) -> str | None:
    """The first label of Marketo's hosts: https://123-ABC-456.mktorest.com/rest"""
    hosts = [host_in(text(bag, name)) for name in ("endpoint_url", "identity_url", "host")]
    of_marketo = [h.removesuffix(".mktorest.com").upper() for h in hosts if "mktorest" in h]
    return next(iter(of_marketo), None)


def salesforce_organization(bag: Bag) -> str | None:
    """From the token response's `id`: https://login.salesforce.com/id/<organization>/<user>."""
    match = re.search(r"/id/(00D\w{12,15})/", text(bag, "id"))
    return match[1] if match else None


def stripe_mode(bag: Bag) -> bool | None:
    key = text(bag, "secret", "secret_key", "api_key", "password", "user_name", "login")
    return "_test_" in key if key else None


def stripe_livemode(bag: Bag) -> bool | None:
    live = bag.get("livemode")
    return not live if isinstance(live, bool) else None


def workday_tenant(bag: Bag) -> str | None:
    return text(bag, "tenant") or text(bag, "user_name", "login").partition("@")[2] or None


def workday_authorization(bag: Bag) -> str | None:
    host, tenant = text(bag, "authorization_domain"), text(bag, "tenant")
    return f"https://{host}/{tenant}/authorize" if host and tenant else None


SERVICENOW = address_under(".service-now.com", "instance_url")
WORKED_OUT: Mapping[tuple[str, str], Callable[[Bag], Any]] = {
    ("marketo_client_credentials", "munchkin_id"): munchkin_id,
    ("salesforce_oauth2", "instance_url"): address_under(".my.salesforce.com", "instance_url"),
    ("salesforce_oauth2", "sfid"): salesforce_organization,
    ("servicenow_client_credentials", "instance_url"): SERVICENOW,
    ("servicenow_oauth2", "instance_url"): SERVICENOW,
    ("shopify_oauth2", "shop"): host_under(".myshopify.com", "shop"),
    ("stripe_key", "test"): stripe_mode,
    ("stripe_oauth2", "test"): stripe_livemode,
    ("workday_oauth2", "authorization_endpoint"): workday_authorization,
    ("workday_oauth2", "tenant"): workday_tenant,
    ("workday_password", "tenant"): workday_tenant,
}
