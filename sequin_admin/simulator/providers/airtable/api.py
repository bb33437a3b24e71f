"""The simulated Airtable's OAuth (PKCE, Basic, single-use refresh tokens), user and schemas."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, limits, seed
from sequin_admin.simulator.drills import NEW_FIELD, active_names
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, bearer_token
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant, now
from sequin_admin.simulator.oauth import AuthorizationServer
from sequin_admin.simulator.rows.collection import to_ms

HOST, API = r"airtable\.com", r"api\.airtable\.com"
PENALTY_S = 30  # how long all calls are refused after a 429


def api_error(status: int, type_: str, message: str) -> HttpResponse:
    return JsonResponse({"error": {"type": type_, "message": message}}, status=status)


def throttled() -> HttpResponse:
    return JsonResponse({"errors": [{"error": "RATE_LIMIT_REACHED"}]}, status=429)


def plant() -> None:
    seed.create_client("airtable", client_id="8a1d3c5e-airtable-simulated")
    seed.create_account("airtable", "usrziLeD23j9AJ1", "Paul Atreides", email="paul@arrakis.io")
    seed.create_account("airtable", "usrFeydRautha012", "Feyd-Rautha", email="feyd@giedi-prime.net")


provider = ProviderSimulator(
    "airtable",
    "Airtable",
    scopes=("data.records:read", "data.records:write", "schema.bases:read", "webhook:manage"),
    switches=("spend_refresh", "drop_scope", "disable_user", "tell_ends"),
    seed=plant,
    throttled=throttled,
)


class AirtableSimulator(AuthorizationServer):
    """Requires `state` and `scope`, and says when the refresh token expires."""

    def invalid_request(self, query: Mapping[str, str]) -> str:
        missing = [n for n in ("state", "scope", "response_type") if not query.get(n)]
        if missing:
            return f"{', '.join(missing)} must be given"
        return super().invalid_request(query)

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        ends = {"refresh_expires_in": self.refresh_life_s}
        return {**super().extra_fields(grant), "token_type": "Bearer", **ends}


server = AirtableSimulator(
    provider,
    client_auth="basic",
    pkce="required",
    access_prefix="oaa",
    access_life_s=3600,
    refresh_life_s=5_184_000,
    rotation="strict",
    client_error_status=401,
    reset_by_consent=("drop_scope",),
)


@provider.route("GET POST", HOST, r"/oauth2/v1/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", HOST, r"/oauth2/v1/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


def caller(request: HttpRequest) -> SimulatedGrant:
    """The grant of the bearer token; counts the call. Raises `SimulatedResponse`."""
    token = server.find_access_token(bearer_token(request))
    if token is None or token.grant.account.has("disable_user"):
        raise SimulatedResponse(
            api_error(401, "AUTHENTICATION_REQUIRED", "Authentication required")
        )
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    count_call(account.external_id, allowed=50)
    return token.grant


def count_call(key: str, *, allowed: int) -> None:
    limits.count_call(provider, key, allowed=allowed, seconds=1, penalty_s=PENALTY_S)


def scopes_of(grant: SimulatedGrant) -> list[str]:
    """Scopes in effect; `drop_scope`: no base is shared with the person any more."""
    account: SimulatedAccount = grant.account
    dropped = account.has("drop_scope")
    return [s for s in grant.scopes if not (dropped and s.startswith("data.records"))]


@provider.route("GET", API, r"/v0/meta/whoami")
def whoami(request: HttpRequest) -> HttpResponse:
    grant = caller(request)
    known = {"id": grant.account.external_id, "scopes": scopes_of(grant)}
    if "user.email:read" in scopes_of(grant):
        known["email"] = grant.account.data["email"]
    return JsonResponse(known)


# Airtable lists up to 1000 bases a page; here one, so that clients must paginate.
BASES = {
    "appArrakis0000001": ("Arrakis", {"tblSpice000000001": "Spice", "tblWorms000000001": "Worms"}),
    "appCaladan0000001": ("Caladan", {"tblRice0000000001": "Rice"}),
}
FIELDS: list[dict[str, Any]] = [
    {"id": "fldName0000000001", "name": "Name", "type": "singleLineText"},
    {"id": "fldAmount00000001", "name": "Amount", "type": "number", "options": {"precision": 0}},
    {"id": "fldFound000000001", "name": "Found", "type": "dateTime"},
]


def require_schema_scope(request: HttpRequest) -> None:
    """Raises `SimulatedResponse` (403) unless the token may read schemas."""
    if "schema.bases:read" not in scopes_of(caller(request)):
        message = "You are not permitted to perform this operation"
        raise SimulatedResponse(api_error(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", message))


@provider.route("GET", API, r"/v0/meta/bases")
def bases(request: HttpRequest) -> HttpResponse:
    require_schema_scope(request)
    ids = list(BASES)
    start = ids.index(request.GET["offset"]) if request.GET.get("offset") in ids else 0
    shown = {"id": ids[start], "name": BASES[ids[start]][0], "permissionLevel": "create"}
    following = {"offset": ids[start + 1]} if start + 1 < len(ids) else {}
    return JsonResponse({"bases": [shown], **following})


@provider.route("GET", API, r"/v0/meta/bases/(?P<base>app\w+)/tables")
def tables(request: HttpRequest, base: str) -> HttpResponse:
    require_schema_scope(request)
    if base not in BASES:
        return api_error(404, "NOT_FOUND", "Could not find what you are looking for")
    count_call(base, allowed=5)
    fields = schema_fields()
    rows = [
        {"id": pk, "name": name, "primaryFieldId": FIELDS[0]["id"], "fields": fields, "views": []}
        for pk, name in BASES[base][1].items()
    ]
    return JsonResponse({"tables": rows})


def schema_fields() -> list[dict[str, Any]]:
    """The fields as they are now: drills add one, and make a text of the number."""
    names = active_names("airtable", to_ms(now()))
    fields = [
        {"id": field["id"], "name": field["name"], "type": "singleLineText"}
        if field["type"] == "number" and "field_type" in names
        else field
        for field in FIELDS
    ]
    new = {"id": "fldLoyalty0000001", "name": NEW_FIELD, "type": "singleLineText"}
    return [*fields, new] if "new_field" in names else fields
