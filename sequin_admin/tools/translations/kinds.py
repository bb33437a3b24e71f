"""Finds what a customer reads of the kinds: their labels, fields, guides and scopes, as msgids."""

from collections.abc import Iterator

from sequin_admin.connect.mails.texts import TEXTS
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health.customer_mails import CUSTOMER_TEXTS


def of_kinds() -> dict[str, set[str]]:
    """Msgids by kind, and those of the mails."""
    found = {f"kind {kind.slug}": set(texts_of(kind)) for kind in kinds.all()}
    mails = {text for pair in TEXTS.values() for text in pair} | set(CUSTOMER_TEXTS)
    return found | {"mails": mails}


def texts_of(kind: type[Credential]) -> Iterator[str]:
    declared = kind.properties_class
    yield kind.label
    yield from kind.consent
    if not kind.client_is_ours():
        yield from kind.guide
    if kind.oauth:
        yield from kind.oauth.scope_descriptions.values()
    for name in asked_names(kind):
        field = declared.model_fields[name]
        yield str(field.title)
        if field.description:
            yield field.description


def asked_names(kind: type[Credential]) -> list[str]:
    """The properties that a customer may enter."""
    if kind.oauth:
        return list(kind.oauth.required_properties)
    declared = kind.properties_class
    return [n for n in declared.names() if not declared.options_of(n).get("read_only")]


def provider_titles() -> set[str]:
    return {kind.provider_title for kind in kinds.all()}
