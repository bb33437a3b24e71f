"""/v1/credentials/{id}/token: what a sync worker needs for its next call."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import DateTimeField, PositiveIntegerField, UUIDField
from django.http import HttpResponse
from ninja import Query
from ninja.decorators import decorate_view
from pydantic import Field

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.credentials.held_runs import check_held_run
from sequin_admin.api.framework.auth import (
    ApiRequest,
    CachedKeyAuth,
    caller,
    find_with_key,
)
from sequin_admin.api.framework.errors import ERRORS, ApiError, Problem
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import json_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import no_such
from sequin_admin.api.framework.schemas import Body, Shape, Strict, Timestamp
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, http
from sequin_admin.core.digests import secret_key_digests
from sequin_admin.core.fields import DecryptionError, Secrets
from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential, CredentialQuerySet
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import attempts, lifetimes, renewal

SAMPLED_EVERY_S, MOST_RECORDED = 3600, 100_000
RETRY_AFTER_S = 5
RECENT_PROBE_S = 30
FINGERPRINT_CHARS = 16
# Any version: the prepared query is built with it.
EXAMPLE_VERSION = 987_654_321
FINGERPRINT = "9f2c41d0a7b35e68"


router = Resource(
    "Tokens",
    "What a worker needs for its next call: headers with a token that is still valid, "
    "renewed first when needed.",
    auth=CachedKeyAuth(),
)


class Wanted(Strict):
    """Query parameters of a token: how long it must still be valid."""

    min_ttl: int = Field(
        default=0, ge=0, le=3600, description="Seconds that the token must live at least."
    )


class RefusedToken(Body):
    """The fingerprint of a token that the provider refused, so that another is obtained."""

    fingerprint: str = Field(
        description="Of the token that the provider turned down.", examples=[FINGERPRINT]
    )


class DialectShape(Shape):
    """How the provider asks to slow down: the status of such answers and what their body holds,
    whatever its spaces and case; and the headers that say what is left."""

    throttled: list[tuple[int, str]] = Field(examples=[[[429, ""]]])
    pause_s: float | None
    remaining: str = Field(examples=["x-ratelimit-remaining"])
    used_of: str
    reset: str
    reset_unit: str


class TokenShape(Shape):
    """Send `headers` with the call, or what stands in their place for the kind."""

    credential_id: UUID
    kind: str
    base_url: str = Field(examples=["https://api.stripe.com"])
    headers: dict[str, str] = Field(examples=[{"Authorization": "Bearer sk_test_..."}])
    fields: dict[str, str] = Field(description="Form fields to add to every call, instead.")
    login: dict[str, str] = Field(description="User name and password of the envelope, instead.")
    signing: dict[str, str] = Field(description="What to sign each call with (RFC 5849), instead.")
    expires_at: Timestamp | None
    fingerprint: str = Field(
        description="Tells this token from the next one. Not secret.", examples=[FINGERPRINT]
    )
    dialect: DialectShape


ANSWERS = {200: TokenShape, **ERRORS, 503: Problem}


@router.get("/{credential_id}/token", response=ANSWERS)
@decorate_view(quick)
def get_token(request: ApiRequest, credential_id: UUID, wanted: Query[Wanted]) -> HttpResponse:
    """Everything for the next call. It is renewed first when it would end too soon.

    409 says who must act when the access is gone; 503 that the provider can't renew it just now.
    """
    credential = get_for_token_or_404(request, credential_id)
    record_token_read(request, credential)
    try:
        token = renewal.get_token_and_expiry(credential, min_ttl_s=wanted.min_ttl)
        return token_response(credential, *token)
    except (Refused, DecryptionError) as error:
        raise token_error(outcome_of(error)) from None


@router.post("/{credential_id}/token/refresh", response=ANSWERS)
def refresh_token(request: ApiRequest, credential_id: UUID, payload: RefusedToken) -> HttpResponse:
    """A newer token than the one that the provider refused. Many may report the same one.

    A key or password can't be renewed: it is probed, and returned again if it still works.
    """
    credential = get_for_token_or_404(request, credential_id)
    try:
        text, ends = renewal.get_token_and_expiry(credential)
        if payload.fingerprint in fingerprints(credential, text):
            text, ends = replace_refused_token(credential, text, ends)
        return token_response(credential, text, ends)
    except (Refused, DecryptionError) as error:
        raise token_error(outcome_of(error)) from None


def get_for_token_or_404(request: ApiRequest, pk: UUID) -> Credential:
    """The credential with its token, and the check of the API key, in one query.

    Raises 401, 403, 404, and 409 for a disabled one.
    """
    return get_checked_or_404(
        request, CREDENTIAL_WITH_TOKEN, pk, Scope.SECRETS, "it gives no token"
    )


def get_checked_or_404(
    request: ApiRequest, lookup: PreparedQuery[Credential], pk: UUID, scope: Scope, disabled: str
) -> Credential:
    """The credential found by a prepared `lookup`. `disabled` completes the message of 409.

    Raises 401, 403, 404, and 409 for a disabled one.
    """
    scopes = request.auth.scopes
    if scope not in scopes and Scope.RUNS in scopes:
        scope = check_held_run(request, pk, scope)
    credential = find_with_key(request, scope, lambda key: run_lookup(key, lookup, pk))
    if credential is None:
        raise no_such("credential")
    if credential.disabled_at:
        raise ApiError(409, f"{credential} is disabled, so {disabled}. Enable it first.")
    return credential


def run_lookup(
    key: ApiKey, lookup: PreparedQuery[Credential], pk: UUID
) -> tuple[Credential | None, bool]:
    """The credential, and whether the cached key is still valid and unchanged."""
    credential = lookup.first(
        pk=pk,
        organization=key.organization_id,
        key=key.pk,
        version=key.version,
        now=clock.now(),
    )
    if credential is None:
        return None, keys.is_still_usable(key)
    return credential, bool(credential.key_holds)  # type: ignore[attr-defined]


def prepare_lookup(joined: str, columns: Sequence[str]) -> PreparedQuery[Credential]:
    """A query for one credential by id, with `columns` of it and of the `joined` row, and whether
    the API key is still valid. Encrypted columns are decrypted when they are read."""

    def rows(
        pk: UUID, organization: UUID, key: UUID, version: int, now: datetime
    ) -> CredentialQuerySet:
        found = Credential.objects.filter(organization_id=organization, pk=pk)
        usable = keys.still_usable(key, version, now)
        found = found.annotate(key_holds=usable).select_related(joined)
        return found.only("organization_id", "kind", "name", "disabled_at", *columns)

    return PreparedQuery(
        rows,
        {
            "pk": (UUIDField(), uuid4()),
            "organization": (UUIDField(), uuid4()),
            "key": (UUIDField(), uuid4()),
            "version": (PositiveIntegerField(), EXAMPLE_VERSION),
            "now": (DateTimeField(), clock.now()),
        },
    )


CREDENTIAL_WITH_TOKEN = prepare_lookup(
    "token",
    (
        *("properties", "secrets", "secret_names"),
        *("token__secrets", "token__issued_at", "token__expires_at", "token__version"),
    ),
)


def replace_refused_token(
    credential: Credential, refused: str, ends: datetime | None
) -> tuple[str, datetime | None]:
    """A token other than `refused`, or the same one when it still works. Raises `Refused`."""
    if lifetimes.is_renewable(credential):
        renewal.refresh(credential, refused=refused)
        # The provider refused a token that was valid by its time: why is the probe's to find out.
        attempts.make_check_due(credential)
        return renewal.stored_token(credential)
    credential = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    checked = credential.checked_at
    if checked is None or (clock.now() - checked).total_seconds() > RECENT_PROBE_S:
        outcome = probes.verify(credential)
        if outcome.verdict not in (Verdict.OK, Verdict.TRANSIENT):
            raise Refused(outcome)
    elif credential.health_status == "customer_intervention":
        raise Refused(credential.cannot_renew())
    return refused, ends


def token_response(credential: Credential, text: str, ends: datetime | None) -> HttpResponse:
    shown = {
        "credential_id": credential.pk,
        "kind": credential.kind,
        "base_url": http.rewrite_url(credential.base_url()),
        "headers": credential.call_headers(text),
        "fields": credential.call_fields(),
        "login": credential.call_login(),
        "signing": signing_of(credential),
        "expires_at": ends,
        "fingerprint": fingerprints(credential, text)[0],
        "dialect": vars(credential.rate_limit_signals),
    }
    response = json_response(shown)
    response["Cache-Control"] = "no-store"
    return response


def signing_of(credential: Credential) -> Secrets:
    """With the provider's own base URL, before `rewrite_url`: the signature covers it."""
    signing = credential.signing()
    return Secrets({**signing, "base_url": credential.base_url()}) if signing else signing


def fingerprints(credential: Credential, text: str) -> list[str]:
    """Of the access token, or of the secrets for kinds that send those instead: one for each key,
    as in `secret_key_digests()`."""
    secret = text or "\n".join(f"{n}={v}" for n, v in sorted(credential.secrets.items()))
    # Keyed, so that a weak password can't be guessed from it.
    return [digest[:FINGERPRINT_CHARS] for digest in secret_key_digests("token", secret)]


def outcome_of(error: Refused | DecryptionError) -> Outcome:
    return error.outcome if isinstance(error, Refused) else outcomes.unreadable(error)


def token_error(outcome: Outcome) -> ApiError:
    """503 for a transient failure, else 409, with the outcome's message."""
    if outcome.verdict is Verdict.TRANSIENT:
        wait = round(outcome.retry_after_s or RETRY_AFTER_S)
        return ApiError(503, outcome.sentence, headers={"Retry-After": str(max(wait, 1))})
    return ApiError(409, outcome.sentence)


# By API key and credential: until when (monotonic) its reads are in the audit log.
_recorded: dict[tuple[UUID, UUID], float] = {}
_lock = threading.Lock()


def record_token_read(request: ApiRequest, credential: Credential) -> None:
    """Record who reads tokens, at most once an hour for each key, credential and process."""
    reader, now = (request.auth.pk, credential.pk), time.monotonic()
    if _recorded.get(reader, 0.0) > now or Scope.SECRETS not in request.auth.scopes:
        return
    with _lock:
        is_recorded = _recorded.get(reader, 0.0) > now
        if len(_recorded) >= MOST_RECORDED:
            _recorded.clear()
        _recorded[reader] = now + SAMPLED_EVERY_S
    if not is_recorded:
        record_change(credential, "credential.token_read", caller(request), sampled=True)
