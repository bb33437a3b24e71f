"""Airtable. OAuth: https://airtable.com/developers/web/api/oauth-reference

Limits: https://airtable.com/developers/web/api/rate-limits
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import CollectionField, CollectionSchema
from sequin_admin.credentials.kinds import (
    Certainty,
    OAuth2,
    OAuthContext,
    OAuthKind,
    Plan,
    Properties,
    Property,
    ProviderChange,
    Rate,
    RateLimitSignals,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.normalizers import words
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.credentials.pages import PagedReader

API = "https://api.airtable.com"
# Field types that are not text: https://airtable.com/developers/web/api/field-model
FIELD_TYPES = {
    **dict.fromkeys(("number", "currency", "percent", "rating", "duration"), "number"),
    **dict.fromkeys(("count", "autoNumber"), "number"),
    **dict.fromkeys(("createdTime", "lastModifiedTime", "dateTime"), "datetime"),
    **dict.fromkeys(("multipleRecordLinks", "multipleSelects", "multipleAttachments"), "list"),
    "checkbox": "boolean",
    "date": "date",
}
PENALTY_S = 30  # as documented for a 429


class AirtableProperties(Properties):
    """A user's refresh token and scopes, and who the user is."""

    kind: Literal["airtable_oauth2"]
    airtable_uid: str | None = Property(
        "Airtable user ID", read_only=True, help="Who connected it.", example="usrziLeD23j9AJ1"
    )
    refresh_token: Secret = Property("Refresh token")
    scope: str = Property(
        "Scope", help="Space-separated.", example="data.records:read", normalizer=words(" ")
    )
    email: str | None = Property("E-mail", extension=True, read_only=True)


@register
class Airtable(OAuthKind):
    """A user's OAuth grant for bases. Each refresh replaces the refresh token."""

    provider, provider_title, label = "airtable", "Airtable", "OAuth"
    properties_class = AirtableProperties
    identity_properties = ("airtable_uid",)
    rate = Rate(allowed_requests=5, interval=1000, max_concurrent_requests=5)
    rate_source = "https://airtable.com/developers/web/api/rate-limits"
    plans = (
        Plan("One base", Rate(allowed_requests=5, interval=1000, max_concurrent_requests=5)),
        Plan("All bases", Rate(allowed_requests=50, interval=1000, max_concurrent_requests=10)),
    )
    rate_limit_signals = RateLimitSignals(pause_s=30)
    docs_url = "https://airtable.com/developers/web/api/oauth-reference"
    oauth = OAuth2(
        authorize_url="https://airtable.com/oauth2/v1/authorize",
        token_url="https://airtable.com/oauth2/v1/token",  # noqa: S106 - an address
        rotates=True,
        scopes=("data.records:read", "data.records:write", "schema.bases:read", "webhook:manage"),
        scope_descriptions={
            "data.records:read": "Read the records of the bases you choose",
            "data.records:write": "Add, change and delete records there",
            "schema.bases:read": "See which tables and fields they have",
            "webhook:manage": "Be told when something changes",
        },
        client_auth="client_secret_basic",
    )
    changes = (
        ProviderChange(
            slug="airtable-idle",
            when="After 60 idle days",
            title="Airtable ends a refresh token that is not used",
            what="A refresh token that is not used for 60 days ends. Each renewal is a use, and "
            "every access token is renewed here when it ends, whether it is read or not.",
            to_do="Nothing while a worker runs.",
            source="Not named; from one page",
            checked_on=date(2026, 11, 28),
            certainty=Certainty.ONE_PAGE,
        ),
    )
    guide = (
        "In Airtable's Builder hub open OAuth integrations and register one.",
        "As OAuth redirect URL enter the redirect URI shown here, to the letter.",
        "Copy the client ID and generate a client secret; Airtable shows the secret once.",
        "Tick the scopes you want to sync with; only ticked ones can be asked for here. With "
        "user.email:read the credential shows whose account it is.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        return self.discover(whoami(token), user_of)

    def collections(self, token: str) -> tuple[CollectionSchema, ...]:
        """Every table of every base that was shared with us."""
        reader, meta = PagedReader("Airtable"), f"{API}/v0/meta/bases"
        bases = list(self.rows(reader, meta, "bases", token))
        return tuple(
            table_schema(base, table)
            for base in bases
            for table in self.rows(reader, f"{meta}/{base['id']}/tables", "tables", token)
        )

    def rows(
        self, reader: PagedReader, url: str, name: str, token: str
    ) -> Iterator[dict[str, Any]]:
        """The rows called `name` of all pages. Raises `Refused`."""

        def read(offset: str) -> Response:
            params = {"offset": offset} if offset else None
            return self.require_ok(http.get(url, bearer=token, params=params))

        for page in reader.pages(read, lambda page: page.data().get("offset") or ""):
            if not isinstance(page.dig(name), list):
                raise Refused(outcomes.unexpected_answer("Airtable", page))
            yield from page.dig(name)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """Airtable's API errors: https://airtable.com/developers/web/api/errors"""
        error = response.data().get("error")
        code = str(error.get("type", "")) if isinstance(error, dict) else str(error or "")
        if response.status == 401:
            return outcomes.expired(code or "unauthorized", "Airtable refuses the access token.")
        if response.status == 403:
            return outcomes.customer_must(
                code or "forbidden",
                "Airtable no longer lets us into a base: access or a scope was taken away.",
                "share the base again, or reconnect and allow all scopes.",
            )
        if response.status == 429 and "BILLING" in response.text.upper():
            return outcomes.customer_must(
                "quota",
                "Airtable says the monthly API calls of this workspace's plan are used up.",
                "upgrade the plan or wait for the next month.",
            )
        if response.status == 429:
            message = "Airtable asks us to slow down."
            return outcomes.transient("throttled", message, retry_after_s=PENALTY_S)
        return super().classify(response)

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        response = cls.require_ok(whoami(grant.access_token))
        scope = grant.scope or " ".join(response.data().get("scopes", []))
        return {**user_of(response), "scope": scope}

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        return {"scope": grant.scope or None}

    def base_url(self) -> str:
        return API


def whoami(token: str) -> Response:
    return http.get(f"{API}/v0/meta/whoami", bearer=token)


def user_of(response: Response) -> dict[str, Any]:
    known = response.data()
    return {"airtable_uid": known["id"], "email": known.get("email")}


def table_schema(base: dict[str, Any], table: dict[str, Any]) -> CollectionSchema:
    """https://airtable.com/developers/web/api/get-base-schema"""
    columns = tuple(
        CollectionField(
            accessor=field["name"],
            name=field["name"],
            type=FIELD_TYPES.get(field["type"], "text"),
            primary_key=field["id"] == table.get("primaryFieldId"),
            metadata={"id": field["id"], "type": field["type"]},
        )
        for field in table.get("fields", [])
    )
    metadata = {"base_id": base["id"], "base_name": base["name"]}
    return CollectionSchema(table["id"], f"{base['name']}: {table['name']}", columns, metadata)
