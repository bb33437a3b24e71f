"""/v1/organization/branding: what customers see of the organization beside its name."""

import base64
import binascii
from io import BytesIO
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from pydantic import Field

from sequin_admin.access import branding, organizations
from sequin_admin.access.models import Logo, Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, Shape, Timestamp

router = Resource("Organization")

COLOUR = (
    "`#rrggbb`, or empty for ours. Text must have a contrast of 4.5:1, else 422 says which pair."
)
LOGO_CHARS = 4 * (organizations.MOST_BYTES // 3 + 1)


class BrandingShape(Shape):
    """What customers see of your organization on the pages of connect links and in mails."""

    accent: str = Field(description=f"Of buttons and links in the light theme: {COLOUR}")
    accent_dark: str = Field(description="The same in the dark theme.")
    ground: str = Field(description=f"Of the page around the card in the light theme: {COLOUR}")
    ground_dark: str = Field(description="The same in the dark theme.")
    support: str = Field(description="A mail address or an https address.")
    privacy_url: str
    language: str = Field(description="Of mails to customers whose link has none.", examples=["de"])
    logo_changed_at: Timestamp | None = Field(description="Null while there is no logo.")


class BrandingPatch(Body):
    """What is left out stays as it is."""

    examples = {"colours": {"accent": "#1d4ed8", "accent_dark": "#93c5fd"}}

    accent: str | None = Field(default=None, max_length=20, description=COLOUR)
    accent_dark: str | None = Field(default=None, max_length=20, description=COLOUR)
    ground: str | None = Field(default=None, max_length=20, description=COLOUR)
    ground_dark: str | None = Field(default=None, max_length=20, description=COLOUR)
    support: str | None = Field(default=None, max_length=254)
    privacy_url: str | None = Field(default=None, max_length=500)
    language: str | None = Field(default=None, max_length=5)
    logo: str | None = Field(
        default=None,
        max_length=LOGO_CHARS,
        description="A PNG, JPEG or WebP of up to 2 MB in Base64; empty removes the logo.",
    )


def branding_out(organization: Organization) -> dict[str, Any]:
    row = branding.get_branding(organization)
    logo = Logo.objects.filter(pk=organization.pk).values_list("changed_at", flat=True).first()
    return {**{name: getattr(row, name) for name in branding.FIELDS}, "logo_changed_at": logo}


def read_logo(text: str) -> bytes:
    """The picture, re-encoded. Raises 422."""
    try:
        data = base64.b64decode(text, validate=True)
        return organizations.normalize_logo(BytesIO(data), len(data))
    except binascii.Error:
        raise ApiError(422, INVALID, {"logo": ["This is not Base64."]}) from None
    except organizations.BadPicture as error:
        raise ApiError(422, INVALID, {"logo": [str(error)]}) from None


@router.get("", response={200: BrandingShape, **ERRORS})
def get_branding(request: ApiRequest, response: HttpResponse) -> dict[str, Any]:
    """With its ETag."""
    return with_etag(response, branding_out(require_scope(request, Scope.READ)))


@router.patch("", response={200: BrandingShape, **ERRORS})
def update_branding(
    request: ApiRequest,
    payload: BrandingPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """All or nothing. The organization's name is its owners' to change, on its page."""
    organization = require_scope(request, Scope.WRITE)
    given = payload.model_dump(exclude_none=True)
    logo = given.pop("logo", None)
    picture = read_logo(logo) if logo else b""
    with transaction.atomic():
        organizations.lock_organization(organization)
        check_if_match(if_match, branding_out(organization))
        try:
            branding.save_branding(organization, given, actor=caller(request))
        except branding.BadBranding as error:
            fields = {name: [words] for name, words in error.fields.items()}
            raise ApiError(422, INVALID, fields) from None
        if picture:
            organizations.set_logo(organization, picture, actor=caller(request))
        elif logo == "":
            organizations.remove_logo(organization, actor=caller(request))
    return with_etag(response, branding_out(organization))
