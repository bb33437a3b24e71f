"""The simulated Auth0's token endpoint, tenant settings and clients."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import SimulatedClient
from sequin_admin.simulator.oauth import select_tenant
from sequin_admin.simulator.providers.auth0.common import (
    HOST,
    api_error,
    caller,
    paged,
    provider,
    server,
)
from sequin_admin.simulator.rows.collection import Fields


@provider.route("POST", HOST, r"/oauth/token")
def token(request: HttpRequest, domain: str) -> HttpResponse:
    select_tenant(request, provider, domain)
    return server.token(request)


@provider.route("GET", HOST, r"/api/v2/tenants/settings")
def settings(request: HttpRequest, domain: str) -> HttpResponse:
    account = caller(request, domain, "read:tenant_settings")
    email = account.data["support_email"]
    return JsonResponse({"friendly_name": account.name, "support_email": email})


def client_json(row: SimulatedClient) -> Fields:
    known = {"client_id": row.client_id, "name": "Sequin", "tenant": row.owner.split(".")[0]}
    return {**known, "app_type": "non_interactive", "grant_types": ["client_credentials"]}


@provider.route("GET", HOST, r"/api/v2/clients/(?P<client_id>[^/]+)")
def client(request: HttpRequest, domain: str, client_id: str) -> HttpResponse:
    account = caller(request, domain, "read:clients")
    row = SimulatedClient.objects.filter(owner=account.external_id, client_id=client_id).first()
    if row is None:
        return api_error(404, "Not Found", "The client does not exist", "inexistent_client")
    return JsonResponse(client_json(row))


@provider.route("GET", HOST, r"/api/v2/clients")
def clients(request: HttpRequest, domain: str) -> HttpResponse:
    owner = caller(request, domain, "read:clients").external_id
    known = SimulatedClient.objects.filter(provider="auth0", owner=owner).order_by("pk")
    return paged("clients", [client_json(row) for row in known], request, 50)
