"""QuickBooks Online as providers.md section 9 describes it: refresh tokens that change daily."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Answer, Provider, bearer
from sequin_admin.sandbox.models import Account, Client, Grant, Token, now
from sequin_admin.sandbox.oauth import Server

API = r"(?P<host>(?:sandbox-)?quickbooks\.api\.intuit\.com)"
REALM = r"(?P<realm>\d+)"
DAY = timedelta(days=1)
REFRESH_LIFE_S = 8_726_400  # 101 days
GRANT_LIFE = timedelta(days=5 * 365)


def api_error(status: int, type_: str, code: str, message: str) -> HttpResponse:
    error = {"Message": message, "Detail": f"{message}; statusCode={status}", "code": code}
    body = {"Fault": {"Error": [error], "type": type_}, "time": now().isoformat()}
    return traced(JsonResponse(body, status=status))


def traced(response: HttpResponse) -> HttpResponse:
    response["intuit_tid"] = f"1-{uuid.uuid4().hex}"
    return response


def throttled() -> HttpResponse:
    return api_error(429, "SERVICE", "3001", "ThrottleExceeded")


def plant() -> None:
    seed.client("quickbooks", client_id="ABSimulatedQuickBooksApp")
    seed.account("quickbooks", "4620816365001234567", "Arrakis", sandbox=False)
    seed.account("quickbooks", "9130357849987654321", "Giedi Prime [sandbox]", sandbox=True)


provider = Provider(
    "quickbooks",
    "QuickBooks",
    scopes=("com.intuit.quickbooks.accounting",),
    switches=("take_rights_away", "end_subscription"),
    seed=plant,
    throttled=throttled,
)


class QuickBooks(Server):
    def request_mistake(self, query: Any) -> str:
        if not query.get("state") or not query.get("scope"):
            return "state and scope are required"
        return super().request_mistake(query)

    def returned(self, account: Account) -> dict[str, str]:
        return {"realmId": account.external_id}

    def issue(self, grant: Grant, use: str) -> Token:
        """A refresh token remembers its first day, by which it is exchanged for the next one."""
        if use == Token.ACCESS:
            return super().issue(grant, use)
        born = now().isoformat()
        return Token.issue(grant, use, "AB1", REFRESH_LIFE_S, born=born)

    def renew(self, request: HttpRequest, client: Client, value: str) -> HttpResponse:
        """The first refresh after a day brings the next value; the one before lives a day more."""
        token = self.lookup(client, Token.REFRESH, value)
        if token is None or not token.alive() or token.grant.created_at + GRANT_LIFE < now():
            return self.error("invalid_grant", "Incorrect or invalid refresh token", 400)
        faults.strike(request, provider, token.grant.account)
        newest = token.grant.tokens.filter(use=Token.REFRESH).order_by("-pk")[0]
        if datetime.fromisoformat(newest.data["born"]) + DAY < now():
            newest.expires_at = min(now() + DAY, newest.expires_at or now())
            newest.save(update_fields=["expires_at"])
            newest = self.issue(token.grant, Token.REFRESH)
        else:
            # Using a token puts off its end by idleness.
            newest.expires_at = now() + timedelta(seconds=REFRESH_LIFE_S)
            newest.save(update_fields=["expires_at"])
        return self.answer(request, token.grant, fresh=False, kept=newest)

    def answer(
        self, request: HttpRequest, grant: Grant, *, fresh: bool, kept: Token | None = None
    ) -> HttpResponse:
        response = super().answer(request, grant, fresh=fresh, kept=kept)
        body: dict[str, Any] = json.loads(response.content)
        body["x_refresh_token_expires_in"] = REFRESH_LIFE_S
        if request.headers.get("x-include-refresh-token-hard-expires-in") == "true":
            ends = grant.created_at + GRANT_LIFE - now()
            body["x_refresh_token_hard_expires_in"] = int(ends.total_seconds())
        response.content = json.dumps(body).encode()
        return traced(response)

    def more(self, grant: Grant) -> dict[str, Any]:
        """Scopes are not repeated."""
        return {}


server = QuickBooks(
    provider, client_auth="basic", pkce="none", refresh_prefix="AB1", client_status=401
)


@provider.route("GET POST", r"appcenter\.intuit\.com", r"/connect/oauth2")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", r"oauth\.platform\.intuit\.com", r"/oauth2/v1/tokens/bearer")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", r"developer\.api\.intuit\.com", r"/v2/oauth2/tokens/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """Takes JSON, and either of the two tokens."""
    client = server.client_of(request, {})
    if request.content_type != "application/json":
        return server.error("invalid_request", "The body must be JSON", 400)
    value = json.loads(request.body).get("token", "")
    row = Token.objects.filter(value=value, grant__client=client).first()
    if row is None:
        return server.error("invalid_grant", "The token is unknown", 400)
    row.grant.revoke()
    return HttpResponse(status=200)


def caller(request: HttpRequest, host: str, realm: str) -> Account:
    """The company, when the token is for it and it lives on this host."""
    token = server.access(bearer(request))
    if token is None:
        message = "message=AuthenticationFailed; errorCode=003200"
        raise Answer(api_error(401, "AUTHENTICATION", "3200", message))
    account = token.grant.account
    faults.strike(request, provider, account)
    sandbox = host.startswith("sandbox-")
    if account.external_id != realm or account.data["sandbox"] != sandbox:
        message = "message=ApplicationAuthorizationFailed; errorCode=003100"
        raise Answer(api_error(403, "AuthorizationFault", "3100", message))
    if account.has("take_rights_away"):
        message = "Permission Denied Error"
        raise Answer(api_error(403, "ValidationFault", "5020", message))
    if account.has("end_subscription"):
        message = "Subscription period has ended or canceled"
        raise Answer(api_error(403, "ValidationFault", "6190", message))
    faults.count(provider, f"{realm}:second", allowed=10, seconds=1)
    faults.count(provider, f"{realm}:minute", allowed=500, seconds=60)
    return account


def answer(request: HttpRequest, **body: Any) -> HttpResponse:
    """JSON for who asks for it; XML for everybody else."""
    if "json" in request.headers.get("Accept", ""):
        return traced(JsonResponse({**body, "time": now().isoformat()}))
    xml = '<IntuitResponse xmlns="http://schema.intuit.com/finance/v3"/>'
    return traced(HttpResponse(xml, content_type="application/xml"))


@provider.route("GET", API, rf"/v3/company/{REALM}/companyinfo/(?P<again>\d+)")
def company(request: HttpRequest, host: str, realm: str, again: str) -> HttpResponse:
    account = caller(request, host, realm)
    known = {"CompanyName": account.name, "LegalName": account.name, "Country": "US", "Id": "1"}
    return answer(request, CompanyInfo=known)


@provider.route("GET", API, rf"/v3/company/{REALM}/query")
def query(request: HttpRequest, host: str, realm: str) -> HttpResponse:
    caller(request, host, realm)
    if "from customer" not in request.GET.get("query", "").lower():
        return api_error(400, "ValidationFault", "4000", "Error parsing query")
    names = ("Paul", "Jessica", "Leto", "Duncan", "Gurney")
    rows = [{"Id": str(n), "DisplayName": name} for n, name in enumerate(names, start=1)]
    page = {"Customer": rows, "startPosition": 1, "maxResults": len(rows)}
    return answer(request, QueryResponse=page)
