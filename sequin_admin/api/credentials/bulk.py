"""/v1/credentials/bulk: many imports in one request, all or none."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.credentials.examples import bulk_of, of_kinds
from sequin_admin.api.credentials.schemas import (
    BLANK,
    NOTICE,
    CredentialImport,
    blank_names,
    notice_of,
)
from sequin_admin.api.credentials.views import unknown_app_message
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, NamedExamples, Shape
from sequin_admin.connect import bulk
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import OAuthApp

MAX_CREDENTIALS = 1000
router = Resource("Credentials")


class BulkImport(Body):
    """Credentials to import; with `dry_run` they are only checked."""

    credentials: list[CredentialImport] = Field(min_length=1, max_length=MAX_CREDENTIALS)
    dry_run: bool = Field(default=False, strict=True, description="Only say what would be done.")

    @classmethod
    def named_examples(cls) -> NamedExamples:
        return of_kinds(bulk_of)


class BulkRow(Shape):
    """What became of one credential of the request; `index` is its place there."""

    index: int
    id: UUID | None = Field(description="null in a dry run.")
    result: Literal["created", "updated"] = Field(
        description="updated: the account was here; what does not differ stayed as it was."
    )
    notice: str | None = Field(default=None, description=NOTICE)
    accounts: list[str] = Field(
        default=[],
        description="In a dry run: marks of the account. Rows that share one, also of two "
        "requests, are the same account; that is all that they tell.",
    )


class BulkResult(Shape):
    """In the order in which they were sent."""

    data: list[BulkRow]
    created: int
    updated: int


@router.post("/bulk", response={200: BulkResult, **ERRORS}, exclude_unset=True)
def import_credentials(request: ApiRequest, payload: BulkImport) -> dict[str, Any]:
    """Import up to 1,000 credentials: all of them, or none when one is refused.

    An account that is here already is updated, not created again. No provider is called: the
    worker probes each credential soon after. Where only the provider knows the account of a key,
    the same key is updated, and another key of that account becomes a new credential.
    """
    organization = require_scope(request, Scope.WRITE)
    items = build_items(organization, payload.credentials)
    try:
        marks: list[list[str]] = []
        if payload.dry_run:
            saved, marks = bulk.preview_import(organization, items)
        else:
            saved = bulk.save_credentials(organization, items, actor=caller(request))
    except bulk.InvalidItems as error:
        paths = {
            f"credentials.{index}.properties.{name}": [sentence]
            for index, sentences in error.sentences.items()
            for name, sentence in sentences.items()
        }
        raise ApiError(422, INVALID, paths) from None
    except bulk.SameAccount as error:
        raise ApiError(
            422, INVALID, dict(duplicate_message(*pair) for pair in error.pairs)
        ) from None
    return {
        "data": [
            {
                "index": index,
                "id": None if payload.dry_run else each.credential.pk,
                "result": "created" if each.is_new else "updated",
                **notice_of(each.change, item.properties),
                **({"accounts": marks[index]} if payload.dry_run else {}),
            }
            for index, (each, item) in enumerate(zip(saved, items, strict=True))
        ],
        "created": sum(each.is_new for each in saved),
        "updated": sum(not each.is_new for each in saved),
    }


def duplicate_message(first: int, second: int) -> tuple[str, list[str]]:
    message = (
        f"credentials.{first} and credentials.{second} are the same account. Send one of them."
    )
    return f"credentials.{second}", [message]


def build_items(
    organization: Organization, payloads: Sequence[CredentialImport]
) -> list[bulk.Item]:
    """The items to import. Raises 422 with the mistakes of all payloads."""
    named = {payload.oauth_app_id for payload in payloads} - {None}
    apps = OAuthApp.objects.of(organization).in_bulk(named) if named else {}
    fields: dict[str, list[str]] = {}
    for index, payload in enumerate(payloads):
        wrong = find_mistakes(payload, apps)
        fields |= {f"credentials.{index}.{path}": messages for path, messages in wrong.items()}
    if fields:
        raise ApiError(422, INVALID, fields)
    return [
        bulk.Item(
            properties=payload.properties,
            name=payload.name or "",
            oauth_app=apps[payload.oauth_app_id] if payload.oauth_app_id else None,
            metadata=payload.metadata,
            rate=payload.rate_limit,
        )
        for payload in payloads
    ]


def find_mistakes(payload: CredentialImport, apps: Mapping[UUID, OAuthApp]) -> dict[str, list[str]]:
    fields = {f"properties.{name}": [BLANK] for name in blank_names(payload.properties)}
    if payload.oauth_app_id is None:
        return fields
    app, kind = apps.get(payload.oauth_app_id), payload.properties.kind
    if app is None or app.provider != kinds.get(kind).provider:
        fields["oauth_app_id"] = [unknown_app_message(kind)]
    return fields
