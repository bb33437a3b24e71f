"""/v1/mail-templates: the texts of mails with a link, and /v1/organization/mail-settings."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from ninja import Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.access.organizations import lock_organization
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, Shape
from sequin_admin.connect import mails
from sequin_admin.connect.models import MailPurpose
from sequin_admin.core.languages import LANGUAGES

router = Resource("Organization")
settings_router = Resource("Organization")

PLACEHOLDERS = ", ".join(f"`{{{name}}}` is {words}" for name, words in mails.PLACEHOLDERS.items())


class MailTemplateShape(Shape):
    """The text of the mails of a purpose in a language."""

    purpose: MailPurpose
    language: str = Field(examples=["de"])
    subject: str
    text: str = Field(description=f"Plain text. {PLACEHOLDERS}.")
    is_ours: bool = Field(description="Nobody of your organization wrote it.")


class MailTemplateList(Shape):
    """All texts: three purposes in five languages."""

    data: list[MailTemplateShape]


class MailTemplateBody(Body):
    """A text of your own."""

    examples = {
        "short": {
            "subject": "{organization}: your {provider} account",
            "text": "Please connect it: {link}\n\nUntil {expires}.",
        }
    }

    subject: str = Field(max_length=1000)
    text: str = Field(max_length=20_000, description=f"With {PLACEHOLDERS}. No other link.")


class MailSettingsShape(Shape):
    """How many mails with a connect link are sent, and when contacts are reminded."""

    most_a_day: int | None = Field(description="Null: as many as the installation allows.")
    remind_hours: int = Field(description="So many hours before a link ends; 0 for never.")
    most_today: int = Field(description="What holds of the installation's limit and yours.")
    left_today: int


class MailSettingsBody(Body):
    """Both are set. `most_a_day` may be null."""

    examples = {"a hundred": {"most_a_day": 100, "remind_hours": 24}}

    most_a_day: int | None = Field(ge=0)
    remind_hours: int = Field(ge=0, le=mails.MOST_REMIND_HOURS)


def invalid(error: mails.BadMail) -> ApiError:
    return ApiError(422, INVALID, {name: [words] for name, words in error.fields.items()})


def template_out(organization: Organization, purpose: str, language: str) -> dict[str, Any]:
    """Raises 404."""
    if purpose not in MailPurpose.values or language not in LANGUAGES:
        raise ApiError(404, "There are no mails of this purpose or in this language.")
    text = mails.get_text(organization, purpose, language)
    return {
        "purpose": purpose,
        "language": language,
        "subject": text.subject,
        "text": text.text,
        "is_ours": text.is_ours,
    }


@router.get("", response={200: MailTemplateList, **ERRORS})
def list_mail_templates(request: ApiRequest) -> dict[str, Any]:
    """By purpose and language."""
    organization = require_scope(request, Scope.READ)
    pairs = [(purpose.value, code) for purpose in MailPurpose for code in LANGUAGES]
    return {"data": [template_out(organization, *pair) for pair in pairs]}


@router.get("/{purpose}/{language}", response={200: MailTemplateShape, **ERRORS})
def get_mail_template(
    request: ApiRequest, purpose: str, language: str, response: HttpResponse
) -> dict[str, Any]:
    """One text, with its ETag."""
    organization = require_scope(request, Scope.READ)
    return with_etag(response, template_out(organization, purpose, language))


@router.put("/{purpose}/{language}", response={200: MailTemplateShape, **ERRORS})
def set_mail_template(
    request: ApiRequest,
    purpose: str,
    language: str,
    payload: MailTemplateBody,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Replace our text by one of yours."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        lock_organization(organization)
        check_if_match(if_match, template_out(organization, purpose, language))
        try:
            mails.save_template(
                organization,
                purpose,
                language,
                subject=payload.subject,
                text=payload.text,
                actor=caller(request),
            )
        except mails.BadMail as error:
            raise invalid(error) from None
    return with_etag(response, template_out(organization, purpose, language))


@router.delete("/{purpose}/{language}", response={204: None, **ERRORS})
def remove_mail_template(
    request: ApiRequest, purpose: str, language: str, if_match: IfMatch = None
) -> Status[None]:
    """Use our text again."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        lock_organization(organization)
        check_if_match(if_match, template_out(organization, purpose, language))
        mails.remove_template(organization, purpose, language, actor=caller(request))
    return Status(204, None)


def settings_out(organization: Organization) -> dict[str, Any]:
    row, allowance = mails.get_mail_settings(organization), mails.get_allowance(organization)
    return {
        "most_a_day": row.most_a_day,
        "remind_hours": row.remind_hours,
        "most_today": allowance.most,
        "left_today": allowance.left,
    }


@settings_router.get("", response={200: MailSettingsShape, **ERRORS})
def get_mail_settings(request: ApiRequest) -> dict[str, Any]:
    """The limit of mails a day, what is left of it, and the reminder."""
    return settings_out(require_scope(request, Scope.READ))


@settings_router.put("", response={200: MailSettingsShape, **ERRORS})
def set_mail_settings(request: ApiRequest, payload: MailSettingsBody) -> dict[str, Any]:
    """Set both."""
    organization = require_scope(request, Scope.WRITE)
    try:
        mails.save_mail_settings(organization, **payload.model_dump(), actor=caller(request))
    except mails.BadMail as error:
        raise invalid(error) from None
    return settings_out(organization)
