"""The simulated QuickBooks' API: who calls, and the company."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token, json_page
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedAccount, now
from sequin_admin.simulator.providers.quickbooks.common import api_error, provider, with_request_id
from sequin_admin.simulator.providers.quickbooks.oauth import server

API = r"(?P<host>(?:sandbox-)?quickbooks\.api\.intuit\.com)"
ACCOUNTS = r"(?:sandbox-)?accounts\.platform\.intuit\.com"
REALM = r"(?P<realm>\d+)"


def caller(request: HttpRequest, host: str, realm: str) -> SimulatedAccount:
    """The company, if the token is for it and it is served by this host."""
    token = server.find_access_token(bearer_token(request))
    if token is None:
        message = "message=AuthenticationFailed; errorCode=003200"
        raise SimulatedResponse(api_error(401, "AUTHENTICATION", "3200", message))
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    sandbox = host.startswith("sandbox-")
    if account.external_id != realm or account.data["sandbox"] != sandbox:
        message = "message=ApplicationAuthorizationFailed; errorCode=003100"
        raise SimulatedResponse(api_error(403, "AuthorizationFault", "3100", message))
    if account.has("take_rights_away"):
        message = "Permission Denied Error"
        raise SimulatedResponse(api_error(403, "ValidationFault", "5020", message))
    if account.has("end_subscription"):
        message = "Subscription period has ended or canceled"
        raise SimulatedResponse(api_error(403, "ValidationFault", "6190", message))
    count_call(provider, f"{realm}:second", allowed=10, seconds=1)
    count_call(provider, f"{realm}:minute", allowed=500, seconds=60)
    return account


def answer(request: HttpRequest, **body: Any) -> HttpResponse:
    """JSON if the client accepts it, else XML."""
    if "json" in request.headers.get("Accept", ""):
        return with_request_id(json_page({**body, "time": now().isoformat()}))
    xml = '<IntuitResponse xmlns="http://schema.intuit.com/finance/v3"/>'
    return with_request_id(HttpResponse(xml, content_type="application/xml"))


@provider.route("GET", ACCOUNTS, r"/v1/openid_connect/userinfo")
def user_info(request: HttpRequest) -> HttpResponse:
    """Who connected, for a token with the scope `openid`."""
    token = server.find_access_token(bearer_token(request))
    if token is None or "openid" not in token.grant.scopes:
        return JsonResponse({"error": "invalid_token"}, status=401)
    faults.apply_faults(request, provider, token.grant.account)
    name = token.grant.account.external_id
    known = {"sub": f"user-{name}", "givenName": "Paul", "familyName": "Atreides"}
    return JsonResponse({**known, "email": f"owner@{name}.example", "emailVerified": True})


@provider.route("GET", API, rf"/v3/company/{REALM}/companyinfo/(?P<again>\d+)")
def company(request: HttpRequest, host: str, realm: str, again: str) -> HttpResponse:
    account = caller(request, host, realm)
    known = {"CompanyName": account.name, "LegalName": account.name, "Country": "US", "Id": "1"}
    return answer(request, CompanyInfo=known)
