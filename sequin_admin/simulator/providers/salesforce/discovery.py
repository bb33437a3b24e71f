"""The simulated Salesforce tells what it has: versions, objects, who calls, and about a token.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_list.htm
"""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import SimulatedToken
from sequin_admin.simulator.providers.salesforce.api import (
    caller,
    require_own_domain,
    with_usage_header,
)
from sequin_admin.simulator.providers.salesforce.common import ANY, DOMAIN, api_error, provider
from sequin_admin.simulator.providers.salesforce.oauth import server
from sequin_admin.simulator.providers.salesforce.queries import DATA, find_collection
from sequin_admin.simulator.providers.salesforce.rows import PREFIXES
from sequin_admin.simulator.rows.collection import Fields
from sequin_admin.simulator.rows.draws import Draw

OLDEST, NEWEST = 31, 67
TYPES = {bool: "boolean", int: "int", float: "double"}


@provider.route("GET", DOMAIN, r"/services/data/?")
def versions(request: HttpRequest, domain: str) -> HttpResponse:
    """Without a token."""
    known = [
        {"version": f"{n}.0", "label": f"Version {n}", "url": f"/services/data/v{n}.0"}
        for n in range(OLDEST, NEWEST + 1)
    ]
    return JsonResponse(known, safe=False)


@provider.route("GET POST", ANY, r"/services/oauth2/userinfo")
def user_info(request: HttpRequest, **host: str) -> HttpResponse:
    """The scope `openid` is not asked for."""
    account = caller(request).account
    user, organization = account.data["user"], account.external_id
    names = {"name": f"Admin of {account.name}", "email": f"admin@{account.data['domain']}.example"}
    ids = {"user_id": user, "organization_id": organization, "user_type": "STANDARD"}
    sub = f"https://login.salesforce.com/id/{organization}/{user}"
    return JsonResponse({"sub": sub, **ids, **names, "preferred_username": names["email"]})


@provider.route("POST", ANY, r"/services/oauth2/introspect")
def introspect(request: HttpRequest, **host: str) -> HttpResponse:
    """RFC 7662: of a token that does not hold, only that."""
    client = server.authenticate_client(request, request.POST.dict())
    row = SimulatedToken.objects.filter(
        value=request.POST.get("token", ""), grant__client=client
    ).first()
    if row is None or not row.is_valid():
        return JsonResponse({"active": False})
    ends = {"exp": int(row.expires_at.timestamp())} if row.expires_at else {}
    known = {"active": True, "scope": " ".join(row.grant.scopes), "client_id": client.client_id}
    account = row.grant.account
    sub = f"https://login.salesforce.com/id/{account.external_id}/{account.data['user']}"
    return JsonResponse({**known, "sub": sub, "token_type": row.use, **ends})


@provider.route("GET", DOMAIN, rf"{DATA}/sobjects/?")
def objects(request: HttpRequest, domain: str, version: str) -> HttpResponse:
    require_own_domain(request, domain)
    known = [object_json(name, version) for name in PREFIXES]
    body = {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": known}
    return with_usage_header(request, JsonResponse(body))


@provider.route("GET", DOMAIN, rf"{DATA}/sobjects/(?P<name>\w+)/describe/?")
def describe(request: HttpRequest, domain: str, version: str, name: str) -> HttpResponse:
    require_own_domain(request, domain)
    if name not in PREFIXES:
        return api_error(404, "NOT_FOUND", "The requested resource does not exist")
    drawn = find_collection(name).fields(Draw(b"describe", 0, 0))
    stamps = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    fields = [
        field_json("Id", "id", writable=False),
        field_json("IsDeleted", "boolean", writable=False),
        *(field_json(n, TYPES.get(type(v), "string"), writable=True) for n, v in drawn.items()),
        *(field_json(stamp, "datetime", writable=False) for stamp in stamps),
    ]
    return with_usage_header(
        request, JsonResponse({**object_json(name, version), "fields": fields})
    )


def object_json(name: str, version: str) -> Fields:
    can = ("createable", "deletable", "queryable", "replicateable", "retrieveable", "updateable")
    path = f"/services/data/v{version}.0/sobjects/{name}"
    urls = {"sobject": path, "describe": f"{path}/describe", "rowTemplate": f"{path}/{{ID}}"}
    named = {"name": name, "label": name, "labelPlural": f"{name}s", "keyPrefix": PREFIXES[name]}
    return {**named, "custom": False, **dict.fromkeys(can, True), "urls": urls}


def field_json(name: str, kind: str, *, writable: bool) -> Fields:
    can = {"createable": writable, "updateable": writable, "filterable": True, "sortable": True}
    nillable = {"nillable": writable, "length": 255 if kind == "string" else 0}
    return {"name": name, "label": name, "type": kind, "custom": False, **can, **nillable}
