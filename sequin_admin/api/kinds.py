"""/v1/kinds: the kinds of credential, and the properties of each."""

from dataclasses import asdict
from typing import Any

from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.credentials.rate_limits import RateLimitShape
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.pagination import PageParams
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import AppInstallKind, OAuthKind
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.property_docs import PropertyDoc, properties_of
from sequin_admin.tokens import protocol

router = Resource(
    "Kinds",
    "What kinds of credential there are: their properties, scopes, rates and plans.",
)


class PropertyShape(Shape):
    name: str
    title: str
    type: str = Field(
        description='`string`, `integer`, `string[]`, `"User" | "Organization"`.',
        examples=["string"],
    )
    required: bool
    secret: bool = Field(description="Kept encrypted and shown as asterisks.")
    filled: bool = Field(description="Read from the account; you may leave it out.")
    ours: bool = Field(description="An addition to the specification.")
    help: str
    example: str
    pattern: str = Field(description="A regular expression for the whole value, or empty.")


class PlanShape(Shape):
    title: str
    rate_limit: RateLimitShape


class OAuthShape(Shape):
    """How an account is connected at the provider's consent page."""

    scopes: list[str] = Field(
        description="Asked for unless your OAuth app says otherwise.",
        examples=[["oauth", "crm.objects.contacts.read"]],
    )
    needs_oauth_app: bool = Field(description="False: the client is the customer's own.")
    redirect_uri: str = Field(description="Register this one at the provider.")
    install_url: str = Field(
        description="The App URL to give the provider, with your OAuth app's id in it. Empty where "
        "the provider asks for none."
    )


class KindShape(Shape):
    kind: str
    title: str
    label: str
    provider: str
    provider_title: str
    properties: list[PropertyShape]
    identity: list[str] = Field(description="Two imports with these equal are the same account.")
    rate_limit: RateLimitShape = Field(description="Until you set another one.")
    rate_source: str = Field(description="Where the provider says so.")
    plans: list[PlanShape] = Field(description="What the provider publishes for its tiers.")
    docs_url: str
    oauth: OAuthShape | None = Field(description="Null for keys and passwords.")


class KindList(Shape):
    data: list[KindShape]
    next_cursor: str | None


class KindFilters(PageParams):
    """Query parameters of the list of kinds."""

    provider: str = ""


@router.get("", response={200: KindList, **ERRORS})
def list_kinds(request: ApiRequest, filters: Query[KindFilters]) -> dict[str, Any]:
    """By name. The same for every organization."""
    filters.refuse_unknown(request)
    require_scope(request, Scope.READ)
    known = kinds.of_provider(filters.provider) if filters.provider else kinds.all()
    left = [kind for kind in known if kind.slug > filters.cursor]
    page, more = left[: filters.limit], left[filters.limit :]
    data = [kind_out(kind) for kind in page]
    return {"data": data, "next_cursor": page[-1].slug if more else None}


@router.get("/{kind}", response={200: KindShape, **ERRORS})
def get_kind(request: ApiRequest, kind: str) -> dict[str, Any]:
    """One kind, by its name."""
    require_scope(request, Scope.READ)
    declared = kinds.find(kind)
    if declared is None:
        raise ApiError(404, "There is no such kind. /v1/kinds lists all of them.")
    return kind_out(declared)


def property_out(doc: PropertyDoc) -> dict[str, Any]:
    """The published names of `read_only` and `extension` are older than ours."""
    return asdict(doc) | {"filled": doc.read_only, "ours": doc.extension}


def kind_out(kind: type[Credential]) -> dict[str, Any]:
    plain = ("label", "provider", "provider_title", "rate_source", "docs_url")
    return {
        "kind": kind.slug,
        "title": kind.full_title(),
        **{name: getattr(kind, name) for name in plain},
        "properties": [property_out(doc) for doc in properties_of(kind.properties_class)],
        "identity": kind.identity_properties,
        "rate_limit": kind.rate.model_dump(),
        "plans": [{"title": p.title, "rate_limit": p.rate.model_dump()} for p in kind.plans],
        "oauth": oauth_out(kind) if issubclass(kind, OAuthKind) else None,
    }


def oauth_out(kind: type[OAuthKind]) -> dict[str, Any]:
    known = protocol.install_url_of(kind.provider, "{oauth_app_id}")
    install_url = known if issubclass(kind, AppInstallKind) else ""
    return {
        "scopes": kind.oauth.scopes,
        "needs_oauth_app": kind.client_is_ours(),
        "redirect_uri": protocol.redirect_uri(kind.provider),
        "install_url": install_url,
    }
