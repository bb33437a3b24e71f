"""When access ends, as the answer of any token endpoint may name it.

https://datatracker.ietf.org/doc/draft-ietf-oauth-refresh-token-expiration/ (version 03, July 2026)
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import create_model

from sequin_admin.core import clock
from sequin_admin.credentials.answers import whole_seconds
from sequin_admin.credentials.normalizers import instant
from sequin_admin.credentials.properties import Properties, Property

OF_REFRESH_TOKEN, OF_ACCESS = "refresh_token_expires_at", "access_expires_at"
NAMES = (OF_REFRESH_TOKEN, OF_ACCESS)
# The members of an answer that name it, in seconds from then on: the draft's first, then those that
# Shopify, Airtable and QuickBooks had before. Each renewal moves the end of the refresh token.
MEMBERS = {
    OF_REFRESH_TOKEN: (
        *("refresh_token_timeout", "refresh_token_expires_in"),
        *("refresh_expires_in", "x_refresh_token_expires_in"),
    ),
    OF_ACCESS: ("authorization_expires_in", "x_refresh_token_hard_expires_in"),
}


def with_ends(declared: type[Properties]) -> type[Properties]:
    """The class with both ends, after its own properties, unless it declares them itself."""
    more: dict[str, Any] = {
        OF_REFRESH_TOKEN: Property(
            "Refresh token expires",
            extension=True,
            read_only=True,
            help="If it is not renewed before, where the provider says so.",
            normalizer=instant,
        ),
        OF_ACCESS: Property(
            "Access expires",
            extension=True,
            read_only=True,
            help="Whatever is renewed, where the provider says so.",
            normalizer=instant,
        ),
    }
    known = declared.names()
    fields: dict[str, Any] = {n: (datetime | None, more[n]) for n in NAMES if n not in known}
    return create_model(
        declared.__name__,
        __base__=declared,
        __module__=declared.__module__,
        __doc__=declared.__doc__,
        **fields,
    )


def ends_in(declared: type[Properties], answer: Mapping[str, object]) -> dict[str, str]:
    """The ends that an answer names, to the minute as JSON, by the declared property."""
    lives = {name: life_in(name, answer) for name in NAMES if name in declared.names()}
    ends = {name: clock.now() + timedelta(seconds=life) for name, life in lives.items() if life}
    return {name: end.strftime("%Y-%m-%dT%H:%M:00Z") for name, end in ends.items()}


def without_former(
    properties: Mapping[str, object], brought: Mapping[str, object]
) -> dict[str, Any]:
    """The properties without the end of a refresh token that was replaced by one whose answer
    `brought` none."""
    return {n: v for n, v in properties.items() if n != OF_REFRESH_TOKEN or n in brought}


def life_in(name: str, answer: Mapping[str, object]) -> int:
    """How many seconds an answer leaves until this end; 0 when it names none."""
    return next(filter(None, (whole_seconds(answer.get(n)) for n in MEMBERS[name])), 0)
