"""The simulated NetSuite's accounts, switches and error responses."""

import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient
from sequin_admin.simulator.oauth import select_tenant

LABEL = r"(?P<label>[a-z0-9]+(?:-[a-z0-9]+)*)"
REST = rf"{LABEL}\.suitetalk\.api\.netsuite\.com"
RESTLETS = rf"{LABEL}\.restlets\.api\.netsuite\.com"
DENIED = "Invalid login attempt. For more details, see the Login Audit Trail."


def api_error(status: int, title: str, code: str, detail: str) -> HttpResponse:
    known = {"type": f"https://www.rfc-editor.org/rfc/rfc9110.html#{status}", "title": title}
    details = [{"detail": detail, "o:errorCode": code}]
    return JsonResponse({**known, "status": status, "o:errorDetails": details}, status=status)


def login_refused(account: SimulatedAccount, scheme: str, error: str, code: str) -> HttpResponse:
    """A 401 with a `WWW-Authenticate` header of scheme `Bearer` or `OAuth`."""
    response = api_error(401, "Unauthorized", code, DENIED)
    response["WWW-Authenticate"] = (
        f'{scheme} realm="{account.external_id}", error="{error}", error_description="{DENIED}"'
    )
    return response


def throttled() -> HttpResponse:
    detail = "Concurrent request limit exceeded. Request blocked."
    return api_error(429, "Too Many Requests", "CONCURRENCY_LIMIT_EXCEEDED", detail)


def plant() -> None:
    for account_id, name in (("1234567_SB1", "Arrakis [sandbox]"), ("7654321", "Giedi Prime")):
        if not SimulatedClient.objects.filter(provider="netsuite", owner=account_id).exists():
            seed.create_client(
                "netsuite",
                account_id,
                client_id=secrets.token_hex(32),
                certificate_id=secrets.token_urlsafe(32),
                private_key=new_private_key(),
                consumer_key=secrets.token_hex(32),
                consumer_secret=secrets.token_hex(32),
                token_id=secrets.token_hex(32),
                token_secret=secrets.token_hex(32),
            )
        seed.create_account("netsuite", account_id, name, role="3", entity="1701")


def new_private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


provider = ProviderSimulator(
    "netsuite",
    "NetSuite",
    scopes=("restlets", "rest_webservices", "suite_analytics"),
    switches=(
        "drop_scope",
        "disable_user",
        "block_integration",
        "expire_certificate",
        "revoke_token",
        "deny_login",
        "require_pkce",
        "refuse_legacy",
        "tell_ends",
        "rotate_secret",
    ),
    seed=plant,
    throttled=throttled,
)


def select_account(request: HttpRequest, label: str) -> SimulatedAccount:
    """The account whose own host was called: 1234567-sb1 is 1234567_SB1."""
    return select_tenant(request, provider, label.replace("-", "_"))


def client_of(account: SimulatedAccount) -> SimulatedClient:
    return SimulatedClient.objects.get(provider="netsuite", owner=account.external_id)
