"""The simulated Stripe's API, for secret, restricted and platform keys and OAuth tokens."""

import secrets

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse, basic_credentials, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient, remembered
from sequin_admin.simulator.providers.stripe.common import api_error, provider
from sequin_admin.simulator.providers.stripe.connect import server
from sequin_admin.simulator.rows.collection import Fields

API = r"api\.stripe\.com"


def caller(request: HttpRequest) -> tuple[SimulatedAccount, bool]:
    """The account of a key or token, and whether the key is a restricted one."""
    state_of(request).response_headers = {"Request-Id": f"req_{secrets.token_hex(7)}"}
    key = bearer_token(request) or basic_credentials(request)[0]
    token = server.find_access_token(key)
    if token:
        account, restricted = token.grant.account, False
    elif platform := remembered(("platform", key), lambda: find_platform(key)):
        number = request.headers.get("Stripe-Account", "")
        account, restricted = get_connected_account(platform, number), False
    else:
        account, restricted = find_key(key)
    faults.apply_faults(request, provider, account)
    live = "_live_" in key
    count_call(provider, account.external_id, allowed=100 if live else 25, seconds=1)
    return account, restricted


def get_connected_account(platform: SimulatedClient, number: str) -> SimulatedAccount:
    """The account in the header `Stripe-Account`, for a call with the platform's own key."""
    grants = platform.grants.filter(account__external_id=number, revoked=False)
    grant = grants.select_related("account").first()
    if grant is None:
        message = (
            f"The provided key '{masked(platform.client_secret)}' does not have access to account "
            f"'{number}' (or that account does not exist). Access may have been revoked."
        )
        raise SimulatedResponse(api_error(403, "invalid_request_error", message, "account_invalid"))
    return grant.account


def masked(key: str) -> str:
    return f"{key[:8]}{'*' * 12}{key[-4:]}"


def find_platform(key: str) -> SimulatedClient | None:
    return SimulatedClient.objects.filter(provider="stripe", client_secret=key).first()


def list_accounts() -> list[SimulatedAccount]:
    return list(SimulatedAccount.objects.filter(provider="stripe"))


def find_key(key: str) -> tuple[SimulatedAccount, bool]:
    """The account of an API key, and whether the key is restricted. Raises `SimulatedResponse`
    (401)."""
    for account in remembered("stripe", list_accounts):
        if key in (account.data["secret_key"], account.data["live_key"]):
            return require_unexpired(account), False
        if key == account.data["restricted_key"]:
            return require_unexpired(account), True
    message = f"Invalid API Key provided: {masked(key)}"
    raise SimulatedResponse(api_error(401, "invalid_request_error", message))


def require_unexpired(account: SimulatedAccount) -> SimulatedAccount:
    """Raises `SimulatedResponse` (401) when the account's keys have expired."""
    if account.has("expire_key"):
        message = "Expired API Key provided."
        raise SimulatedResponse(api_error(401, "invalid_request_error", message, "api_key_expired"))
    return account


def account_json(account: SimulatedAccount) -> Fields:
    """https://docs.stripe.com/api/accounts/object"""
    unknown = ("mcc", "minority_owned_business_designation", "support_address", "support_email")
    more = ("specified_commercial_transactions_act_url", "support_phone", "support_url", "url")
    open_lists = ("alternatives", "currently_due", "errors", "eventually_due", "past_due")
    branding = ("icon", "logo", "primary_color", "secondary_color")
    words = ("statement_descriptor", "statement_descriptor_kana", "statement_descriptor_kanji")
    prefixes = [f"statement_descriptor_prefix{end}" for end in ("", "_kana", "_kanji")]
    return {
        "id": account.external_id,
        "object": "account",
        "business_profile": {**dict.fromkeys((*unknown, *more)), "name": account.name},
        "settings": {
            "branding": dict.fromkeys(branding),
            "card_payments": dict.fromkeys(prefixes),
            "dashboard": {"display_name": account.name, "timezone": "Etc/UTC"},
            "payments": dict.fromkeys((*words, *prefixes[1:])),
        },
        "email": account.data["email"],
        "country": "US",
        "default_currency": "usd",
        "type": "standard",
        **dict.fromkeys(("charges_enabled", "details_submitted", "payouts_enabled"), True),
        "requirements": {
            **{name: list[str]() for name in (*open_lists, "pending_verification")},
            **dict.fromkeys(("current_deadline", "disabled_reason")),
        },
    }


@provider.route("GET", API, r"/v1/account")
def account(request: HttpRequest) -> HttpResponse:
    row, restricted = caller(request)
    if restricted:
        message = "The provided key does not have the required permissions for this endpoint."
        return api_error(403, "invalid_request_error", message)
    return JsonResponse(account_json(row))
