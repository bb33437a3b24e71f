"""Unsaved credentials: what was entered, and what the provider says of it."""

from collections.abc import Mapping
from typing import Any

from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect import entered
from sequin_admin.connect.credential_operations.accounts import same_secrets
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.http import Unreachable
from sequin_admin.core.names import clean_name
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import FAILURES, NAME_CHARS, Credential, OAuthApp
from sequin_admin.credentials.outcomes import DraftProbe, Outcome
from sequin_admin.credentials.properties import Properties


def identified_draft(
    organization: Organization,
    properties: Properties,
    *,
    actor: AnyActor,
    oauth_app: OAuthApp | None = None,
) -> Credential:
    """An unsaved credential. The provider is called once if `properties` lack the identity."""
    draft = draft_of(organization, properties, oauth_app=oauth_app)
    if draft.identity is None and not same_secrets(draft).exists():
        entered.refuse_masks(draft)
        probe_draft(draft)
        refuse_lost_right(actor, organization)
    return draft


def draft_of(
    organization: Organization, properties: Properties, *, oauth_app: OAuthApp | None = None
) -> Credential:
    """An unsaved credential."""
    kind = kinds.get(properties.kind_slug())
    draft: Credential = kind(organization=organization, oauth_app=oauth_app)
    set_properties(draft, properties)
    return draft


def name_and_metadata(draft: Credential, name: str, metadata: dict[str, Any] | None) -> set[str]:
    """Set `name` and `metadata` on a draft. Returns the columns that the caller gave."""
    suggested = draft.suggest_name(draft.properties) or draft.full_title()
    draft.name = clean_name(name or suggested)[:NAME_CHARS]
    draft.metadata = metadata or {}
    given = {"name"} if name else set()
    return given | ({"metadata"} if metadata is not None else set())


def set_properties(credential: Credential, properties: Properties) -> None:
    """Put parsed properties into the row's public and secret columns."""
    credential.properties = properties.public_values()
    credential.secrets = properties.secret_values()
    credential.secrets_changed_at = credential.check_due_at = clock.now()
    credential.identity = credential.identity_of(credential.properties)


def drop_discovered(draft: Credential) -> None:
    """Remove read-only properties, which were read from the account of the former secret."""
    declared = draft.properties_class
    kept = (n for n in draft.properties if not declared.options_of(n).get("read_only"))
    draft.properties = {name: draft.properties[name] for name in kept}
    draft.identity = draft.identity_of(draft.properties)


def probe_draft(draft: Credential) -> Outcome:
    """Probe the draft at the provider and merge the discovered properties into it."""
    answered, asked = True, (draft.destination, dict(draft.secrets))
    try:
        token = draft.mint().access_token if draft.mints_tokens() else draft.static_token()
        outcome = draft.probe(token)
    except FAILURES as error:
        outcome, answered = draft.classify_failure(error), not isinstance(error, Unreachable)
    else:
        merge_properties(draft, outcome.discovered)
    draft.probed = DraftProbe(outcome, answered, *asked)
    return outcome


def merge_properties(credential: Credential, discovered: Mapping[str, object]) -> bool:
    """Set property values that the provider returned. True when one of them changed."""
    known = set(credential.properties_class.names())
    stored = credential.properties
    changed = {n: v for n, v in discovered.items() if n in known and stored.get(n) != v}
    credential.properties = {**stored, **changed}
    credential.identity = credential.identity or credential.identity_of(credential.properties)
    return bool(changed)
