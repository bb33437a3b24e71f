"""The simulated Workday's web services and reports, for a user name and a password."""

import html
import re

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import basic_credentials
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.oauth import select_tenant
from sequin_admin.simulator.providers.workday.common import (
    HOST,
    PEOPLE,
    TENANT,
    api_error,
    provider,
)

ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>\
{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"""
PASSWORD_TEXT = "wss-username-token-profile-1.0#PasswordText"


def soap(body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(ENVELOPE.format(body=body), content_type="text/xml", status=status)


def fault(code: str, text: str) -> HttpResponse:
    inner = f"<faultcode>SOAP-ENV:{code}</faultcode><faultstring>{text}</faultstring>"
    return soap(f"<SOAP-ENV:Fault>{inner}</SOAP-ENV:Fault>", 500)


@provider.route("POST", HOST, rf"/ccx/service/{TENANT}/(?P<service>\w+)/v(?P<version>\d+\.\d)")
def web_service(request: HttpRequest, tenant: str, service: str, version: str) -> HttpResponse:
    """SOAP with a WS-Security UsernameToken. Throttling is a 500 like any other fault."""
    account = select_tenant(request, provider, tenant)
    if faults.consume_fault(provider, account, "throttle"):
        return fault("Server", "Processing error occurred. Try again later.")
    faults.apply_faults(request, provider, account)
    given = request.body.decode()
    if PASSWORD_TEXT not in given:
        return fault("Client.validationError", "Validation error: a UsernameToken is required")
    if not logs_in(account, element(given, "Username"), element(given, "Password")):
        return fault("Client.authenticationError", "invalid username or password")
    if account.has("drop_scope"):
        return fault("Client.processingFault", "The task submitted is not authorized.")
    total = f"<wd:Total_Results>{len(PEOPLE)}</wd:Total_Results>"
    results = f"<wd:Response_Results>{total}</wd:Response_Results>"
    named = f'xmlns:wd="urn:com.workday/bsvc" wd:version="v{version}"'
    return soap(f"<wd:Get_Workers_Response {named}>{results}</wd:Get_Workers_Response>")


def element(document: str, name: str) -> str:
    """The text of the first `<prefix:name ...>text</prefix:name>`."""
    found = re.search(rf"<(?:\w+:)?{name}\b[^>]*>([^<]*)<", document)
    return html.unescape(found[1]) if found else ""


def logs_in(account: SimulatedAccount, username: str, password: str) -> bool:
    known = (account.data["username"], account.data["password"])
    return (username, password) == known and not account.has("disable_user")


@provider.route(
    "GET", HOST, rf"/ccx/service/customreport2/{TENANT}/(?P<owner>[^/]+)/(?P<report>[^/]+)"
)
def report(request: HttpRequest, tenant: str, owner: str, report: str) -> HttpResponse:
    """Report as a Service (RaaS), with HTTP Basic."""
    account = select_tenant(request, provider, tenant)
    faults.apply_faults(request, provider, account)
    if not logs_in(account, *basic_credentials(request)):
        return api_error(401, "invalid username or password")
    return JsonResponse({"Report_Entry": [{"Worker": name} for name in PEOPLE]})
