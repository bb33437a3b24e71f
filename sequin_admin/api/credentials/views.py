"""/v1/credentials"""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import UUIDField
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.credentials.schemas import (
    CREDENTIAL,
    Contact,
    CredentialImport,
    CredentialList,
    CredentialPatch,
    CredentialShape,
    ImportedCredential,
    credential_out,
    entry_error,
    notice_of,
    refuse_blank,
)
from sequin_admin.api.framework.auth import (
    ApiRequest,
    CachedKeyAuth,
    caller,
    check_cached_key,
    require_scope,
)
from sequin_admin.api.framework.errors import ERRORS, ApiError, StillUsed
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import TEXT_CHARS, ProviderFilters, paginate_request
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import Answer, one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.reveal import RevealFilter, revealed_list_out
from sequin_admin.api.framework.rows import no_such
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.connect import credential_operations
from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, CredentialQuerySet, OAuthApp
from sequin_admin.credentials.properties import InvalidEntry
from sequin_admin.health import probes
from sequin_admin.limits.models import set_limit

router = Resource(
    "Credentials",
    "How a customer's account at a provider is reached. One shape for every kind: what "
    "differs stands in `properties`, told apart by `kind`.",
)


class CredentialFilters(ProviderFilters, RevealFilter):
    """Query parameters of the list of credentials."""

    equal = ("name", "kind", "oauth_app_id")

    kind: str = ""
    oauth_app_id: UUID | None = Field(default=None, description="Those made with this OAuth app.")
    search: str = Field(
        default="",
        max_length=TEXT_CHARS,
        description=(
            'Words and "phrases", all of which are in the name, the account, the id or a value of '
            "the metadata, and filters: `provider:stripe`, `kind:stripe_key`, `status:customer` "
            "(or `us`, `healthy`, `unchecked`, `disabled`), `id:1f3a99c2`, and `plan:pro` for a "
            "pair of the metadata. A filter that is not valid is refused."
        ),
    )

    def narrow(self, rows: Any) -> Any:
        rows = super().narrow(rows)
        return rows.of_provider(self.provider) if self.provider else rows


def with_related(organization: UUID, pk: UUID) -> CredentialQuerySet:
    rows = Credential.objects.filter(organization_id=organization, pk=pk)
    return rows.select_related("oauth_app", "rate_limit")


CREDENTIAL_BY_ID = PreparedQuery(
    with_related, {name: (UUIDField(), uuid4()) for name in ("organization", "pk")}
)


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Credential:
    """With its OAuth app and rate limit. Raises 404."""
    if lock:
        rows = with_related(organization.pk, pk)
        credential = rows.select_for_update(of=("self",)).first()
    else:
        credential = CREDENTIAL_BY_ID.first(organization=organization.pk, pk=pk)
    if credential is None:
        raise no_such("credential")
    return credential


@router.post(
    "", response={201: ImportedCredential, 200: ImportedCredential, **ERRORS}, exclude_unset=True
)
def import_credential(
    request: ApiRequest, payload: CredentialImport, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Import a credential. An account already here is updated (200), not created again (201); what
    does not differ stays as it is. A token that the account had before is not taken, and a host, an
    id or a key may be kept in another form: `notice` says so."""
    organization = require_scope(request, Scope.WRITE)
    refuse_blank(payload.properties)
    try:
        saved = credential_operations.save_credential(
            organization,
            payload.properties,
            actor=caller(request),
            name=payload.name or "",
            oauth_app=get_oauth_app_or_422(organization, payload),
            metadata=payload.metadata,
        )
    except InvalidEntry as error:
        raise entry_error(error) from None
    credential = saved.credential
    if payload.rate_limit:
        set_limit(credential, payload.rate_limit, actor=caller(request))
    if saved.needs_probe:
        probes.verify_entered(credential)
    stored = get_owned_or_404(organization, credential.pk)
    shown = with_etag(response, credential_out(stored))
    notice = notice_of(saved.change, payload.properties)
    return Status(201 if saved.is_new else 200, shown | notice)


def get_oauth_app_or_422(organization: Organization, payload: CredentialImport) -> OAuthApp | None:
    """The named OAuth app, which must be of the credential's provider. Raises 422."""
    if payload.oauth_app_id is None:
        return None
    kind = payload.properties.kind
    rows = OAuthApp.objects.of(organization).filter(provider=kinds.get(kind).provider)
    app = rows.filter(pk=payload.oauth_app_id).first()
    if app is None:
        fields = {"oauth_app_id": [unknown_app_message(kind)]}
        raise ApiError(422, "The OAuth app is not known.", fields)
    return app


def unknown_app_message(kind: str) -> str:
    return f"There is no OAuth app with this id for {kind} in your organization."


@router.get("", response={200: CredentialList, **ERRORS}, exclude_unset=True, auth=CachedKeyAuth())
@decorate_view(quick)
def list_credentials(
    request: ApiRequest, filters: Query[CredentialFilters], response: HttpResponse
) -> Answer:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    if filters.truncate_secrets:
        return page_response(request, CREDENTIAL, filters)
    check_cached_key(request)
    rows = Credential.objects.of(require_scope(request, Scope.READ))
    filters.permit_reveal(request, response)
    rows = rows.select_related("oauth_app", "rate_limit")
    page, following = paginate_request(request, filters, rows)
    reveal = partial(credential_operations.reveal, actor=caller(request), purpose=filters.purpose)
    return {**revealed_list_out(page, credential_out, reveal), "next_cursor": following}


@router.get("/{credential_id}", response={200: CredentialShape, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def get_credential(
    request: ApiRequest,
    credential_id: UUID,
    reveal_filter: Query[RevealFilter],
    response: HttpResponse,
) -> Answer:
    """One credential, with its ETag, which is the same whether secrets are shown or not.

    409 when they are to be shown and no key of ours opens them.
    """
    if reveal_filter.truncate_secrets:
        return one_response(request, CREDENTIAL, credential_id, "credential")
    check_cached_key(request)
    credential = get_owned_or_404(require_scope(request, Scope.READ), credential_id)
    with_etag(response, credential_out(credential))
    reveal_filter.permit_reveal(request, response)
    secrets = credential_operations.reveal(
        credential, actor=caller(request), purpose=reveal_filter.purpose
    )
    return credential_out(credential, secrets=secrets)


@router.patch("/{credential_id}", response={200: CredentialShape, **ERRORS})
def update_credential(
    request: ApiRequest,
    credential_id: UUID,
    payload: CredentialPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change name, metadata or rate limit; what is left out or null stays as it is.

    To replace a secret, import the credential again.
    """
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        credential = get_owned_or_404(organization, credential_id, lock=True)
        check_if_match(if_match, credential_out(credential))
        credential_operations.update_details(
            credential, actor=caller(request), name=payload.name, metadata=payload.metadata
        )
        if payload.rate_limit:
            set_limit(credential, payload.rate_limit, actor=caller(request))
    return with_etag(response, credential_out(get_owned_or_404(organization, credential_id)))


@router.delete("/{credential_id}", response={204: None, **ERRORS, 409: StillUsed})
def delete_credential(
    request: ApiRequest, credential_id: UUID, if_match: IfMatch = None
) -> Status[None]:
    """Delete the credential, and revoke its access where the provider allows that."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        credential = get_owned_or_404(organization, credential_id, lock=True)
        check_if_match(if_match, credential_out(credential))
        token = credential_operations.delete_locked(credential, actor=caller(request))
    # Not within: it calls the provider, and no lock is held meanwhile.
    credential_operations.revoke_access(credential, token, actor=caller(request))
    return Status(204, None)


@router.get("/{credential_id}/contact", response={200: Contact, **ERRORS})
def get_contact(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """The customer's contact for problems that only the customer can fix."""
    return {
        "contact_email": get_owned_or_404(
            require_scope(request, Scope.READ), credential_id
        ).contact_email
    }


@router.put("/{credential_id}/contact", response={200: Contact, **ERRORS})
def set_contact(request: ApiRequest, credential_id: UUID, payload: Contact) -> dict[str, Any]:
    """They are mailed a connect link when access was revoked or has ended."""
    credential = get_owned_or_404(require_scope(request, Scope.WRITE), credential_id)
    credential_operations.update_details(
        credential, actor=caller(request), contact_email=payload.contact_email
    )
    return {"contact_email": credential.contact_email}


@router.post("/{credential_id}/verify", response={200: HealthDetail, **ERRORS})
def verify_credential(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """Probe it now."""
    credential = get_owned_or_404(require_scope(request, Scope.WRITE), credential_id)
    probes.verify(credential, actor=caller(request))
    return health_detail(credential)


@router.get("/{credential_id}/health", response={200: HealthDetail, **ERRORS})
def credential_health(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """The status with its reason and checks."""
    return health_detail(get_owned_or_404(require_scope(request, Scope.READ), credential_id))
