"""The simulated NetSuite's REST services, for bearer tokens and for signed requests."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.netsuite import signatures
from sequin_admin.simulator.providers.netsuite.common import (
    DENIED,
    REST,
    RESTLETS,
    api_error,
    client_of,
    login_refused,
    provider,
    select_account,
)
from sequin_admin.simulator.providers.netsuite.oauth2 import server

# RESTlets spell their codes as in the OAuth problem reporting extension.
REST_SPELLINGS = {"nonce_used": "NonceUsed"}
RECORDS = r"/services/rest/record/v1"


def caller(request: HttpRequest, label: str, service: str) -> SimulatedAccount:
    """The account of the token or signature. `service` is the host's second label."""
    account = select_account(request, label)
    host = f"{label}.{service}.api.netsuite.com"
    if account.has("deny_login"):
        raise SimulatedResponse(api_error(403, "Forbidden", "INVALID_LOGIN_ATTEMPT", DENIED))
    if signatures.parse_authorization(request):
        url = f"https://{host}{request.path.removeprefix(f'/{host}')}"
        fault = signatures.find_signature_error(request, url, account, client_of(account))
        if service == "suitetalk":
            fault = REST_SPELLINGS.get(fault, fault)
        if fault:
            raise SimulatedResponse(login_refused(account, "OAuth", fault, "INVALID_LOGIN_ATTEMPT"))
    else:
        token = server.find_access_token(bearer_token(request))
        if token is None or token.grant.account != account or account.has("disable_user"):
            raise SimulatedResponse(
                login_refused(account, "Bearer", "invalid_token", "INVALID_LOGIN")
            )
    faults.apply_faults(request, provider, account)
    if account.has("drop_scope"):
        detail = "Permission Violation: the role lacks a permission for this operation."
        raise SimulatedResponse(api_error(403, "Forbidden", "INSUFFICIENT_PERMISSION", detail))
    return account


@provider.route("GET", REST, rf"{RECORDS}/metadata-catalog")
def catalog(request: HttpRequest, label: str) -> HttpResponse:
    caller(request, label, "suitetalk")
    return JsonResponse(
        {"items": [{"name": name} for name in ("customer", "salesOrder", "inventoryItem")]}
    )


@provider.route("GET", RESTLETS, r"/rest/tokeninfo")
def token_info(request: HttpRequest, label: str) -> HttpResponse:
    account = caller(request, label, "restlets")
    known = {"companyId": account.external_id, "companyName": account.name}
    role = {"roleId": account.data["role"], "roleName": "Administrator"}
    return JsonResponse({**known, **role, "userId": account.data["entity"]})
