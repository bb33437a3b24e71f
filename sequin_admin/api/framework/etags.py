"""`ETag` and `If-Match` (RFC 9110 sections 8.8.3 and 13.1.1), against lost updates."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from django.http import HttpResponse
from django.utils.http import parse_etags
from ninja import Header

from sequin_admin.api.framework.columns import encode
from sequin_admin.api.framework.errors import ApiError
from sequin_admin.core.source_digest import source_digest

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="Act only while the ETag is still this one, else 412."),
]


def etag_of(body: Mapping[str, object]) -> str:
    return tag(encode(body, orjson.OPT_SORT_KEYS))


def weak_etag_of(content: bytes) -> str:
    """Of what is only read, such as a list: the same for every encoding of it."""
    return f"W/{tag(content)}"


def digest_etag(digest: str) -> str:
    """Of a list, by the digest of its rows. Another version of our code may show them otherwise."""
    return f'W/"{digest}{source_digest()}"'


def known_digest(if_none_match: str) -> str:
    """The first digest of rows in `If-None-Match`, made by this version of our code; else empty."""
    found = re.search(f'"([0-9a-f]{{32}}){source_digest()}"', if_none_match)
    return found[1] if found else ""


def tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def with_etag(response: HttpResponse, body: dict[str, Any]) -> dict[str, Any]:
    """`body`; its `ETag` is set in the header of `response`."""
    response["ETag"] = etag_of(body)
    return body


def check_if_match(if_match: str | None, body: Mapping[str, object]) -> None:
    """Raises 412 when the caller's `If-Match` is of another version than `body`."""
    tags = parse_etags(if_match or "*")
    if "*" not in tags and etag_of(body) not in tags:
        raise ApiError(
            412,
            "It was changed since you read it, so nothing was changed now. Read it again and "
            "send its new ETag.",
        )
