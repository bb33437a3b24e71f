"""/v1/credentials/{id}/token: what a sync worker needs for its next call."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.core.cache import cache
from django.db.models import DateTimeField, UUIDField
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from ninja import Query, Router, Schema
from pydantic import Field

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.auth import Call, KeyAuth, allow
from sequin_admin.api.errors import ERRORS, UNAUTHORIZED, ApiError, Problem
from sequin_admin.api.schemas import Body, Strict, Timestamp
from sequin_admin.audit.models import record
from sequin_admin.connect import tokens
from sequin_admin.core import clock, http
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.prepared import Prepared
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential, CredentialQuerySet
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.health import probes

SAMPLED_EVERY_S = 3600
RETRY_AFTER_S = 5
PROBED_LATELY_S = 30
FINGERPRINT_CHARS = 16


class KnownKeyAuth(KeyAuth):
    """A key from memory. Whether it is still usable is asked with the credential."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return keys.find_known(token)


# The scheme is the same one; the document should not list it twice.
KnownKeyAuth.__name__ = KeyAuth.__name__
router = Router(tags=["Tokens"], auth=KnownKeyAuth())


class Wanted(Strict):
    min_ttl: int = Field(
        default=0, ge=0, le=3600, description="Seconds that the token must live at least."
    )


class RefusedToken(Body):
    fingerprint: str = Field(description="Of the token that the provider turned down.")


class DialectShape(Schema):
    """How the provider asks to slow down: the status of such answers and what their body holds,
    whatever its spaces and case; and the headers that say what is left."""

    throttled: list[tuple[int, str]]
    pause_s: float | None
    remaining: str
    used_of: str
    reset: str
    reset_unit: str


class TokenShape(Schema):
    """Send `headers` with the call, or what stands in their place for the kind."""

    credential_id: UUID
    kind: str
    base_url: str
    headers: dict[str, str]
    fields: dict[str, str] = Field(description="Form fields to add to every call, instead.")
    login: dict[str, str] = Field(description="User name and password of the envelope, instead.")
    signing: dict[str, str] = Field(description="What to sign each call with (RFC 5849), instead.")
    expires_at: Timestamp | None
    fingerprint: str = Field(description="Tells this token from the next one. Not secret.")
    dialect: DialectShape


ANSWERS = {200: TokenShape, **ERRORS, 503: Problem}


@router.get("/{credential_id}/token", response=ANSWERS)
def get_token(
    request: Call, credential_id: UUID, wanted: Query[Wanted], response: HttpResponse
) -> Any:
    """Everything for the next call. It is renewed first when it would end too soon.

    409 says whose move it is when the access is gone; 503 that the provider can't renew just now.
    """
    credential = own(request, credential_id)
    sample(request.auth, credential)
    try:
        return shown(response, credential, *tokens.read(credential, min_ttl_s=wanted.min_ttl))
    except (Refused, DecryptionError) as error:
        raise no_token(outcome_of(error)) from None


@router.post("/{credential_id}/token/refresh", response=ANSWERS)
def refresh_token(
    request: Call, credential_id: UUID, payload: RefusedToken, response: HttpResponse
) -> Any:
    """A newer token than the one that the provider refused. Many may report the same one.

    A key or password can't be renewed: it is tried, and given again if it works after all.
    """
    credential = own(request, credential_id)
    try:
        text, ends = tokens.read(credential)
        if payload.fingerprint == fingerprint(credential, text):
            text, ends = renewed(credential, text, ends)
        return shown(response, credential, text, ends)
    except (Refused, DecryptionError) as error:
        raise no_token(outcome_of(error)) from None


def own(request: Call, pk: UUID) -> Credential:
    """The credential with its token and whether the key still holds, in one query.

    Raises 401, 403, 404, and 409 for a disabled one.
    """
    organization, key = allow(request, Scope.SECRETS), request.auth
    credential = HELD.first(pk=pk, organization=organization.pk, key=key.pk, now=clock.now())
    return checked(credential, key, "it gives no token")


def checked(credential: Credential | None, key: ApiKey, disabled: str) -> Credential:
    """What came of a query that also asked for `key_holds`. Raises 401, 404 and 409."""
    if not (getattr(credential, "key_holds", None) if credential else keys.holds(key)):
        raise ApiError(401, UNAUTHORIZED)
    if credential is None:
        raise ApiError(404, "There is no such credential in your organization.")
    if credential.disabled_at:
        raise ApiError(409, f"{credential} is disabled, so {disabled}. Enable it first.")
    return credential


def held(joined: str, columns: Sequence[str]) -> Prepared[Credential]:
    """One credential by id with some columns of it and of one row joined to it, and whether the
    key still holds, in one query. Encrypted columns are opened when they are read."""

    def rows(pk: UUID, organization: UUID, key: UUID, now: datetime) -> CredentialQuerySet:
        found = Credential.objects.filter(organization_id=organization, pk=pk)
        found = found.annotate(key_holds=keys.still_usable(key, now)).select_related(joined)
        return found.only("organization_id", "kind", "name", "disabled_at", *columns)

    return Prepared(
        rows,
        {
            "pk": (UUIDField(), uuid4()),
            "organization": (UUIDField(), uuid4()),
            "key": (UUIDField(), uuid4()),
            "now": (DateTimeField(), clock.now()),
        },
    )


HELD = held(
    "token",
    (
        *("properties", "secrets", "secret_names"),
        *("token__secrets", "token__issued_at", "token__expires_at", "token__version"),
    ),
)


def renewed(
    credential: Credential, refused: str, ends: datetime | None
) -> tuple[str, datetime | None]:
    """A token that is not `refused`, or the same one when the provider takes it after all."""
    if tokens.renews(credential):
        tokens.refresh(credential, refused=refused)
        return tokens.kept(credential)
    credential = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    checked = credential.checked_at
    if checked is None or (clock.now() - checked).total_seconds() > PROBED_LATELY_S:
        outcome = probes.verify(credential)
        if outcome.verdict not in (Verdict.OK, Verdict.TRANSIENT):
            raise Refused(outcome)
    elif credential.health_status == "customer_intervention":
        raise Refused(credential.cannot_renew())
    return refused, ends


def shown(
    response: HttpResponse, credential: Credential, text: str, ends: datetime | None
) -> dict[str, Any]:
    response["Cache-Control"] = "no-store"
    return {
        "credential_id": credential.pk,
        "kind": credential.kind,
        "base_url": http.rewrite(credential.base_url()),
        "headers": credential.call_headers(text),
        "fields": credential.call_fields(),
        "login": credential.call_login(),
        "signing": signing_of(credential),
        "expires_at": ends,
        "fingerprint": fingerprint(credential, text),
        "dialect": asdict(credential.dialect),
    }


def signing_of(credential: Credential) -> dict[str, str]:
    """With the address that the provider believes it is called at, which the signature covers."""
    signing = credential.signing()
    return {**signing, "base_url": credential.base_url()} if signing else {}


def fingerprint(credential: Credential, text: str) -> str:
    """Of the access token, or of the secrets themselves for kinds that send those."""
    secret = text or "\n".join(f"{n}={v}" for n, v in sorted(credential.secrets.items()))
    # Keyed, so that a weak password can't be guessed from it.
    return salted_hmac("token", secret, algorithm="sha256").hexdigest()[:FINGERPRINT_CHARS]


def outcome_of(error: Exception) -> Outcome:
    return error.outcome if isinstance(error, Refused) else outcomes.unreadable(error)  # type: ignore[arg-type]


def no_token(outcome: Outcome) -> ApiError:
    """503 while nobody must act, else 409: in both the sentence says what happened."""
    if outcome.verdict is Verdict.TRANSIENT:
        wait = round(outcome.retry_after_s or RETRY_AFTER_S)
        return ApiError(503, outcome.sentence, headers={"Retry-After": str(max(wait, 1))})
    return ApiError(409, outcome.sentence)


def sample(key: ApiKey, credential: Credential) -> None:
    """Note who reads tokens, at most once an hour per key, credential and process."""
    if cache.add(f"token-read:{key.pk}:{credential.pk}", True, SAMPLED_EVERY_S):
        record(
            "credential.token_read",
            actor=key,
            target=credential,
            organization_id=credential.organization_id,
            sampled=True,
        )
