"""Values a schema can't describe: existing ids, cursors, the OAuth app of a kind.

Schemathesis generates requests from the document alone. `Fed` puts real values of one organization
into those that should be accepted, by the name of the parameter or field: another resource needs
one line in `make_rows`.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from schemathesis import Case
from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation

from sequin_admin.access import keys
from sequin_admin.access.models import Membership, Organization, Scope
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.connect.models import AuthorizationRequest
from sequin_admin.core import clock
from sequin_admin.core.names import clean_name
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.properties import MAX_NUMBER
from sequin_admin.health.models import Cause, Incident, subject_columns
from sequin_admin.limits.models import set_limit
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.models import ChannelKind
from sequin_admin.syncs import streams
from sequin_admin.tokens import protocol
from tests.conftest import make_member
from tests.factories import (
    PEM,
    extras_of,
    make_credential,
    make_oauth_app,
    make_run,
    make_synced,
    sample_properties,
)
from tests.notified import make_message

CODE = "a-code-of-a-finished-request"
REDIRECT_URI = "https://app.arrakis.test/connected"
COLLECTION = "stripe:customer"
# Path parameters other than ids of rows.
WORDS = {"kind": "stripe_key", "lease": "1.2.3.nobody", "purpose": "connect", "language": "de"} | {
    "former_id": "00000000-0000-4000-8000-000000000001"
}
MAILBOX = "duncan@arrakis.test"
ENDS = ("expires_at", "secret_ends_at", "refresh_token_expires_at", "access_expires_at")
STATE_CHARS = 1000
# Wider than any limit that a sync asks for.
WIDEST = Rate(allowed_requests=1_000_000, interval=100, max_concurrent_requests=0)
PATH, QUERY, BODY = (
    ParameterLocation.PATH,
    ParameterLocation.QUERY,
    ParameterLocation.BODY,
)


def make_rows(organization: Organization) -> dict[str, Any]:
    """Ids of rows by parameter name."""
    credential = make_credential(organization, "stripe_key")
    set_limit(credential, WIDEST, actor=None)
    about = subject_columns(credential)
    cause = Cause.objects.create(organization=organization, code="broken", message="It broke.")
    about["cause"] = cause
    incident = Incident.objects.create(**about, code="broken", message="It broke.")
    webhook = channels.create(
        organization, ChannelKind.WEBHOOK, actor=None, name="hook", address="https://a.test/"
    )
    sync, target, consumer = make_synced(credential, collection_ids=[COLLECTION])
    run = make_run(consumer, sync)
    (delivery,) = outbox.post(organization, make_message())
    channel = channels.create(
        organization, ChannelKind.MAIL, actor=None, name="mail", address="ops@arrakis.test"
    )
    member = make_member(organization, MAILBOX, Role.VIEWER)
    found = {
        "credential_id": credential,
        "credential_ids": credential,
        "incident_id": incident,
        "cause_id": cause,
        "oauth_app_id": make_oauth_app(organization, "hubspot"),
        "webhook_id": webhook,
        "channel_id": channel,
        "link_id": links.create_reconnect(organization, credential, actor=None),
        "stream_id": streams.create(organization, actor=None, slug="prod"),
        "sync_id": sync,
        "run_id": run,
        "target_id": target,
        "consumer_id": consumer,
        "api_key_id": keys.create(organization, name="ours", scopes=[Scope.READ], actor=None)[0],
        "event_id": Event.objects.of(organization.pk).first(),
        "member_id": Membership.objects.get(user=member),
        "entity_id": credential,
        "reconnects": credential,
    }
    ids = {name: str(row.pk) for name, row in found.items()}
    return {**ids, "delivery_id": str(delivery.uid), "collection_id": COLLECTION}


def make_apps(organization: Organization) -> dict[str, str]:
    """The id of an OAuth app by provider, for every provider that has them."""
    providers = (provider for provider in kinds.providers() if kinds.oauth_of(provider))
    return {
        provider: str(make_oauth_app(organization, provider, redirect_uris=[REDIRECT_URI]).pk)
        for provider in providers
    }


def make_code(organization: Organization, app_id: str) -> None:
    """A finished authorization request whose credential can be fetched with `CODE`."""
    AuthorizationRequest.objects.create(
        organization=organization,
        kind="hubspot_oauth2",
        redirect_url=REDIRECT_URI,
        redirect_app_id=app_id,
        secrets={"state": None, "properties": {"kind": "hubspot_oauth2", "hub_id": 1}},
        token_digest=protocol.digest("token"),
        code_digest=protocol.digest(CODE),
        expires_at=clock.now(),
        code_expires_at=clock.now() + timedelta(hours=1),
    )


class Fed:
    """An organization with one row of every model, whose values complete requests."""

    def __init__(self, organization: Organization, ask: Callable[..., Any]) -> None:
        self.ask = ask
        self.ids = make_rows(organization)
        self.apps = make_apps(organization)
        self.ids["oauth_app_id"] = self.apps["hubspot"]
        make_code(organization, self.apps["hubspot"])
        self.exact = {
            "If-Match": "*",
            "code": CODE,
            "redirect_uri": REDIRECT_URI,
            "redirect_url": REDIRECT_URI,
            "url": "https://hooks.arrakis.test/",
            "address": MAILBOX,
            "time_zone": "Europe/Berlin",
            "starts": "22:00",
            "ends": "07:00",
            "networks": "192.0.2.0/24",
            # Ends are of years that every time zone has.
            **dict.fromkeys(ENDS, f"{clock.now().year + 1}-01-01T00:00:00Z"),
            "contact_email": MAILBOX,
            "metadata filter": '{"plan": "pro"}',
            # A pair of colours has a contrast; none is ours.
            **dict.fromkeys(("accent", "accent_dark", "ground", "ground_dark", "support"), ""),
            "privacy_url": "https://arrakis.test/privacy",
            "most_a_day": 10,
            "logo": "",
            "language": "de",
            # A schema cannot say what a key is.
            "private_key": PEM,
        }

    def fill(self, case: Case, known: frozenset[str] = frozenset()) -> None:
        """Put real values into the parts of `case` that should be accepted. `known` ids stay."""
        assert case.meta is not None
        parts = case.meta.components.items()
        wrong = {place for place, part in parts if not part.mode.is_positive}
        if QUERY in wrong and case.query:
            # A schema counts blanks at the ends, we do not: what is too long stays so without.
            case.query = {name: firm(value) for name, value in case.query.items()}
        if PATH not in wrong and case.path_parameters:
            named = case.path_parameters.items()
            case.path_parameters = {
                name: value if value in known else self.ids.get(name, value)
                for name, value in named
            }
        if QUERY not in wrong and case.query:
            case.query = {name: self.parameter(case, name, v) for name, v in case.query.items()}
        if case.headers:
            case.headers.update({n: self.exact[n] for n in case.headers if n in self.exact})
        # Schemathesis reads an answer of WSGI as it comes, compressed or not.
        case.headers = {**(case.headers or {}), "Accept-Encoding": "identity"}
        if BODY not in wrong and case.body is not NOT_SET:
            case.body = self.body(case.body)
            if case.path.endswith("/secrets"):
                case.body = {"properties": sample_properties(kinds.get("stripe_key"))}
            if case.path.endswith("/mute"):
                case.body = {"until": None}
            if case.path.endswith("/send"):
                one = "{link_id}" in case.path
                case.body = {} if one else {"link_ids": [self.ids["link_id"]]}

    def parameter(self, case: Case, name: str, value: Any) -> Any:
        if name == "cursor":
            return self.cursor(case) if value else value
        if name == "metadata":
            return self.exact["metadata filter"] if value else value
        return self.ids.get(name, value)

    def cursor(self, case: Case) -> str:
        """The cursor of a real first page."""
        query = {name: v for name, v in case.query.items() if name == "sort"}
        page = self.ask(case.formatted_path, limit=1, **query)
        return page.json().get("next_cursor") or "" if page.status_code == 200 else ""

    def body(self, value: Any, name: str = "") -> Any:
        if isinstance(value, list):
            fed = [self.body(each, name) for each in value]
            if name == "credentials" and all(isinstance(each, dict) for each in fed):
                # A schema cannot say that no two are the same account.
                fed = list({kind_in(each): each for each in fed}.values())
            return [self.ids["sync_id"]] if name == "syncs" and value and value != ["*"] else fed
        if isinstance(value, dict) and name == "metadata":
            return {n: self.body(each, name) for n, each in value.items()}
        if isinstance(value, dict) and name != "state":
            return self.agreeing({n: self.body(each, n) for n, each in value.items()})
        if isinstance(value, int) and abs(value) > MAX_NUMBER:
            return 1  # In metadata, whose schema bounds no number.
        if name == "state" and len(json.dumps(value)) > STATE_CHARS:
            return None
        if value is not None and (name in self.exact or name in self.ids):
            return self.exact.get(name, self.ids.get(name))
        # A schema counts characters, we those that are left without blanks.
        return "spice" if isinstance(value, str) and value and not clean_name(value) else value

    def agreeing(self, fed: dict[str, Any]) -> dict[str, Any]:
        """Make fields that depend on each other consistent."""
        kind = kinds.find(kind_in(fed))
        if kind and (fed.get("oauth_app_id") or "credential_kind" in fed):
            fed["oauth_app_id"] = self.apps.get(kind.provider)
        if "kinds" in fed or "reconnects" in fed:
            fed = self.link(fed)
        if fed.get("kind") == "slack" and "address" in fed:
            fed["address"] = self.exact["url"]
        if "collection_ids" in fed:
            self.of_one_provider(fed)
        if "client_id" in fed and "provider" in fed:
            flow = kinds.oauth_of(fed["provider"])
            fed["properties"] = extras_of(flow.app.only(own_names(flow.app)))
        elif "client_secret" in fed or "redirect_uris" in fed or "scopes" in fed:
            fed.pop("properties", None)
        if "kind" not in fed and (fed.get("ssl_mode") or {"host", "port"} & {*fed}):
            fed = self.with_password(fed)
        if "secret" in fed and "test" in fed and fed.get("kind") == "stripe_key":
            fed["test"] = "_test_" in fed["secret"]
        return fed

    def link(self, fed: dict[str, Any]) -> dict[str, Any]:
        """A link offers kinds of one provider and names its app, or reconnects a credential."""
        if fed.get("reconnects"):
            return {n: fed[n] for n in ("reconnects", "expires_in_s") if n in fed}
        kind = kinds.get(fed["kinds"][0])
        app = self.apps[kind.provider] if kind.client_is_ours() else None
        goes_on = REDIRECT_URI if app and fed.get("redirect_url") else ""
        return {**fed, "kinds": [kind.slug], "oauth_app_id": app, "redirect_url": goes_on}

    def with_password(self, fed: dict[str, Any]) -> dict[str, Any]:
        """A target's password is only kept while its address stays the same. As a host, a number
        is a name to a schema, and an address to a network."""
        if fed.get("host"):
            fed["host"] = "db.arrakis.test"
        if "ssl_mode" in fed:
            connection = fed.get("connection") or {}
            return {**fed, "connection": {"password": "spice", **connection}}
        return {**fed, "password": fed.get("password") or "spice"}

    def of_one_provider(self, fed: dict[str, Any]) -> None:
        """A sync's collections belong to the provider of its credential."""
        inline = kinds.find(kind_in(fed.get("credential") or {}))
        provider = inline.provider if inline else "stripe"
        if "provider" in fed:
            fed["provider"] = provider
        if inline and "rate_limit" in fed:
            fed["rate_limit"] = None
        if fed["collection_ids"] is not None:
            found = (each.partition(":")[2] for each in fed["collection_ids"])
            fed["collection_ids"] = [f"{provider}:{name}" for name in found]


def firm(value: Any) -> Any:
    blank = isinstance(value, str) and value != value.strip()
    return "x" * len(value) if blank else value


def own_names(app: Any) -> tuple[str, ...]:
    return tuple(
        n for n in app.names() if n != "client_secret" and app.model_fields[n].is_required()
    )


def kind_in(body: dict[str, Any]) -> str | None:
    properties = body.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get("kind"), str):
        return str(properties["kind"])
    return body.get("credential_kind")
