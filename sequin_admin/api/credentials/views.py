"""/v1/credentials"""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Prefetch, UUIDField
from django.http import HttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, allow
from sequin_admin.api.framework.errors import ERRORS, ApiError, StillUsed
from sequin_admin.api.framework.etags import IfMatch, expect, tagged
from sequin_admin.api.framework.pagination import TEXT_CHARS, Listing, asked_page
from sequin_admin.api.framework.reveal import RevealFilter, listed
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.api.schemas import (
    CREDENTIAL_COLUMNS,
    Contact,
    CredentialImport,
    CredentialList,
    CredentialPatch,
    CredentialShape,
    credential_out,
    refuse_blank,
)
from sequin_admin.connect import credential_operations
from sequin_admin.core.prepared import Prepared
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, CredentialQuerySet, OAuthApp
from sequin_admin.health import probes
from sequin_admin.limits.models import set_limit

router = Router(tags=["Credentials"])


class CredentialFilters(Listing, RevealFilter):
    equal = ("name", "kind", "oauth_app_id")

    kind: str = ""
    oauth_app_id: UUID | None = Field(default=None, description="Those made with this OAuth app.")
    search: str = Field(
        default="",
        max_length=TEXT_CHARS,
        description="Part of the name or of the account's identity.",
    )

    def narrow(self, rows: Any) -> Any:
        rows = super().narrow(rows)
        return rows.of_provider(self.provider) if self.provider else rows


def with_all_shown(organization: UUID, pk: UUID) -> CredentialQuerySet:
    rows = Credential.objects.filter(organization_id=organization, pk=pk)
    return rows.select_related("oauth_app", "rate_limit")


OWN = Prepared(with_all_shown, {name: (UUIDField(), uuid4()) for name in ("organization", "pk")})


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Credential:
    if lock:
        rows = with_all_shown(organization.pk, pk)
        credential = rows.select_for_update(of=("self",)).first()
    else:
        credential = OWN.first(organization=organization.pk, pk=pk)
    if credential is None:
        raise ApiError(404, "There is no such credential in your organization.")
    return credential


@router.post("", response={201: CredentialShape, 200: CredentialShape, **ERRORS})
def import_credential(
    request: ApiRequest, payload: CredentialImport, response: HttpResponse
) -> Any:
    """Import a credential. The same account again is updated (200) instead of made anew (201)."""
    organization = allow(request, Scope.WRITE)
    refuse_blank(payload.properties)
    credential, created = credential_operations.save_credential(
        organization,
        payload.properties,
        actor=request.auth,
        name=payload.name or "",
        oauth_app=app_of(organization, payload),
        metadata=payload.metadata,
    )
    if payload.rate_limit:
        set_limit(credential, Rate(**payload.rate_limit.model_dump()), actor=request.auth)
    probes.verify(credential)
    shown = credential_out(get_owned_or_404(organization, credential.pk))
    return Status(201 if created else 200, tagged(response, shown))


def app_of(organization: Organization, payload: CredentialImport) -> OAuthApp | None:
    """The named OAuth app, which must be of the credential's provider."""
    if payload.oauth_app_id is None:
        return None
    kind = payload.properties.kind
    rows = OAuthApp.objects.of(organization).filter(provider=kinds.get(kind).provider)
    app = rows.filter(pk=payload.oauth_app_id).first()
    if app is None:
        fields = {"oauth_app_id": [no_such_app(kind)]}
        raise ApiError(422, "The OAuth app is not known.", fields)
    return app


def no_such_app(kind: str) -> str:
    return f"There is no OAuth app with this id for {kind} in your organization."


@router.get("", response={200: CredentialList, **ERRORS}, exclude_unset=True)
def list_credentials(
    request: ApiRequest, filters: Query[CredentialFilters], response: HttpResponse
) -> Any:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    rows = Credential.objects.of(allow(request, Scope.READ))
    unmasks = filters.unmasks(request, response)
    columns = (*CREDENTIAL_COLUMNS, "organization", "secrets") if unmasks else CREDENTIAL_COLUMNS
    # Many rows share few apps: each is read once.
    apps = Prefetch("oauth_app", OAuthApp.objects.defer("secrets"))
    rows = rows.select_related("rate_limit").only(*columns).prefetch_related(apps)
    page, following = asked_page(request, filters, rows)
    reveal = partial(credential_operations.reveal, actor=request.auth, purpose=filters.purpose)
    shown = listed(page, credential_out, reveal if unmasks else None)
    return {**shown, "next_cursor": following}


@router.get("/{credential_id}", response={200: CredentialShape, **ERRORS})
def get_credential(
    request: ApiRequest, credential_id: UUID, unmasking: Query[RevealFilter], response: HttpResponse
) -> Any:
    """One credential, with its ETag, which is the same whether secrets are shown or not.

    409 when they are to be shown and no key of ours opens them.
    """
    unmasking.refuse_unknown(request)
    credential = get_owned_or_404(allow(request, Scope.READ), credential_id)
    masked = tagged(response, credential_out(credential))
    if not unmasking.unmasks(request, response):
        return masked
    secrets = credential_operations.reveal(
        credential, actor=request.auth, purpose=unmasking.purpose
    )
    return credential_out(credential, secrets=secrets)


@router.patch("/{credential_id}", response={200: CredentialShape, **ERRORS})
def update_credential(
    request: ApiRequest,
    credential_id: UUID,
    payload: CredentialPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> Any:
    """Change name, metadata or rate limit; what is left out or null stays as it is.

    To replace a secret, import the credential again.
    """
    organization = allow(request, Scope.WRITE)
    with transaction.atomic():
        credential = get_owned_or_404(organization, credential_id, lock=True)
        expect(if_match, credential_out(credential))
        credential_operations.rename(
            credential, actor=request.auth, name=payload.name, metadata=payload.metadata
        )
        if payload.rate_limit:
            set_limit(credential, Rate(**payload.rate_limit.model_dump()), actor=request.auth)
    return tagged(response, credential_out(get_owned_or_404(organization, credential_id)))


@router.delete("/{credential_id}", response={204: None, **ERRORS, 409: StillUsed})
def delete_credential(request: ApiRequest, credential_id: UUID, if_match: IfMatch = None) -> Any:
    """Forget the credential and give the access back where the provider takes it."""
    credential = get_owned_or_404(allow(request, Scope.WRITE), credential_id)
    expect(if_match, credential_out(credential))
    credential_operations.delete(credential, actor=request.auth)
    return Status(204, None)


@router.get("/{credential_id}/contact", response={200: Contact, **ERRORS})
def get_contact(request: ApiRequest, credential_id: UUID) -> Any:
    """Who is asked, on the customer's side, for what only the customer can mend."""
    return {
        "contact_email": get_owned_or_404(allow(request, Scope.READ), credential_id).contact_email
    }


@router.put("/{credential_id}/contact", response={200: Contact, **ERRORS})
def set_contact(request: ApiRequest, credential_id: UUID, payload: Contact) -> Any:
    """They are mailed a connect link when access was revoked or has ended."""
    credential = get_owned_or_404(allow(request, Scope.WRITE), credential_id)
    credential_operations.rename(
        credential, actor=request.auth, contact_email=payload.contact_email
    )
    return {"contact_email": credential.contact_email}


@router.post("/{credential_id}/verify", response={200: HealthDetail, **ERRORS})
def verify_credential(request: ApiRequest, credential_id: UUID) -> Any:
    """Probe it now."""
    credential = get_owned_or_404(allow(request, Scope.WRITE), credential_id)
    probes.verify(credential, actor=request.auth)
    return health_detail(credential)


@router.get("/{credential_id}/health", response={200: HealthDetail, **ERRORS})
def credential_health(request: ApiRequest, credential_id: UUID) -> Any:
    """The status with its reason and checks."""
    return health_detail(get_owned_or_404(allow(request, Scope.READ), credential_id))
