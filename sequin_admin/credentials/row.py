"""The table of credentials: columns, encryption, identity."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Self

from django.db import models, transaction

from sequin_admin.access.models import Organization, save_texts
from sequin_admin.core import clock, leases
from sequin_admin.core.digests import secret_key_digests
from sequin_admin.core.fields import EncryptedJSONField, Secrets
from sequin_admin.core.leases import Leased
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.monitored import Monitored
from sequin_admin.core.names import NameColumn
from sequin_admin.core.turns import QUEUE_CHARS, queue_expression, queue_name
from sequin_admin.credentials import ends, registry
from sequin_admin.credentials.indexes import INDEXES
from sequin_admin.credentials.properties import MASK, Properties
from sequin_admin.credentials.search_text import SearchedCredential, SearchText
from sequin_admin.credentials.signals import destination_changed

IDENTITY_CHARS = 300
NAME_CHARS = 200
write_sorted = json.JSONEncoder(sort_keys=True).encode
# What decides when access ends.
ENDS_FOLLOW = frozenset({"properties", "secrets", "secrets_changed_at"})


class CredentialRow(SearchedCredential, Leased, Monitored):
    """The columns of a credential, and what a kind declares about itself and storing them."""

    entity, entity_title = "credential", "credential"
    when_used: ClassVar[str] = "First delete what needs it, or let it read from another credential."

    provider: ClassVar[str] = ""
    provider_title: ClassVar[str] = ""
    label: ClassVar[str] = ""
    slug: ClassVar[str] = ""
    properties_class: ClassVar[type[Properties]] = Properties
    # Of `properties_class`, in declared order. Set with the slug.
    property_names: ClassVar[tuple[str, ...]] = ()
    # What makes two imports the same account.
    identity_properties: ClassVar[tuple[str, ...]] = ()
    # The properties that decide to which host the secrets are sent.
    destination_properties: ClassVar[tuple[str, ...]] = ()

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="credentials")
    kind = models.CharField(max_length=40, choices=registry.choices, editable=False)
    name = NameColumn(max_length=NAME_CHARS)
    oauth_app = models.ForeignKey(
        "credentials.OAuthApp", models.PROTECT, null=True, blank=True, related_name="credentials"
    )
    # NULL while unknown: NULLs never clash in the unique constraints below.
    identity = models.CharField(max_length=IDENTITY_CHARS, null=True, editable=False)  # noqa: DJ001
    properties = models.JSONField(default=dict, editable=False)
    secrets = EncryptedJSONField(
        scope="credential",
        bind=("organization_id", "id", "kind", "destination"),
        bind_columns=("organization_id", "id", "kind", "properties"),
    )
    # Which secrets are set, so that showing asterisks needs no decryption.
    secret_names = models.JSONField(default=list, editable=False)
    # See `digests_of()`.
    secrets_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    secrets_changed_at = models.DateTimeField(default=clock.now, editable=False)
    metadata = models.JSONField(default=dict, blank=True, validators=[validate_metadata])
    # The customer's contact for what only the customer can fix.
    contact_email = models.EmailField(blank=True, default="")
    disabled_at = models.DateTimeField(null=True, editable=False)
    # When access ends whatever is renewed, and when the next message about it is due.
    ends_at = models.DateTimeField(null=True, editable=False)
    end_notice_at = models.DateTimeField(null=True, editable=False)
    queue = models.GeneratedField(
        expression=queue_expression("organization", "kind", "oauth_app"),
        output_field=models.CharField(max_length=QUEUE_CHARS),
        db_persist=True,
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "kind", "identity", "oauth_app"),
                name="credential_once_per_app",
            ),
            models.UniqueConstraint(
                fields=("organization", "kind", "identity"),
                name="credential_once",
                condition=models.Q(oauth_app=None),
            ),
        )
        indexes = INDEXES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.slug and "kind" in self.__dict__ and not self.kind:
            self.kind = self.slug

    def __str__(self) -> str:
        return self.name

    @transaction.atomic(savepoint=False)
    def save(self, *args: Any, **kwargs: Any) -> None:
        columns = kwargs.get("update_fields")
        if columns is None or "properties" in columns:
            columns = self.prepare_move(columns)
        if columns is None or "secrets" in columns:
            self.update_secret_columns()
            columns = columns and {*columns, "secret_names", "secrets_digest"}
        if columns is None or not ENDS_FOLLOW.isdisjoint(columns):
            self.update_end()
            columns = columns and {*columns, "ends_at", "end_notice_at"}
        kwargs["update_fields"] = columns
        super().save(*args, **kwargs)

    def message_path(self, action: str) -> str:
        return f"/credentials/{self.pk}/"

    def message_data(self, action: str, details: dict[str, Any]) -> dict[str, Any]:
        known = {"provider": self.provider, "kind": self.kind, "metadata": self.metadata}
        return {**known, "action": action}

    def prepare_move(self, columns: Iterable[str] | None) -> Iterable[str] | None:
        """If the destination changes, encrypt the secrets for the new one with the same save.

        Returns the columns to save. Secrets that the caller does not save are those stored now.
        """
        if self._state.adding or not self.destination_properties:
            return columns
        before = type(self)._base_manager.select_for_update().filter(pk=self.pk).first()
        if before is None or before.destination == self.destination:
            return columns
        destination_changed.send(sender=CredentialRow, moves=[(before, self)])
        if columns is None or "secrets" in columns:
            return columns
        self.secrets = dict(before.secrets)
        return {*columns, "secrets"}

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Self] | None = None,
    ) -> None:
        """The properties never without the secrets, which are encrypted for them."""
        if fields is not None and "properties" in fields:
            fields = [*fields, "secrets"]
        super().refresh_from_db(using, fields, from_queryset)

    @property
    def destination(self) -> str:
        """What decides where the secrets are sent: they are encrypted with it."""
        names = getattr(registry.registered.get(self.kind), "destination_properties", ())
        return " ".join(f"{name}={self.properties.get(name)}" for name in names)

    @property
    def queue_name(self) -> str:
        """The column `queue`, also of a row that is not stored yet."""
        return queue_name(self.organization_id, self.kind, self.oauth_app_id)

    def update_secret_columns(self) -> None:
        """Set the columns that describe the secrets without decrypting them. `save()` calls it."""
        secrets = self.secrets
        self.secret_names = sorted(secrets)
        self.secrets_digest = next(iter(self.digests_of(secrets)), "")

    def update_end(self) -> None:
        """Set when access ends. As long as that is the same end, the next notice of it stays."""
        known, self.ends_at = self.ends_at, self.access_ends_at()
        if self.ends_at is None:
            self.end_notice_at = None
        elif not ends.is_same_end(known, self.ends_at):
            life, now = self.access_life(), clock.now()
            self.end_notice_at = ends.first_notice_at(self.ends_at, life, now)

    def access_ends_at(self) -> datetime | None:
        """When access expires unless the customer grants it again; None when that is not known."""
        return None

    def access_life(self) -> timedelta | None:
        """How long access lives from grant to end; None when that is not known or is long."""
        return None

    def depends_on(self) -> Iterable[Monitored]:
        return [self.oauth_app] if self.oauth_app else ()

    def last_fixed_at(self) -> datetime:
        return self.secrets_changed_at

    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    @classmethod
    def identity_of(cls, properties: Mapping[str, object]) -> str | None:
        """The unique identity of the account; None until every identity property is known."""
        parts = [properties.get(name) for name in cls.identity_properties]
        joined = " ".join(str(part) for part in parts)
        # Whatever its length, it must fit the column and stay unique.
        short = joined if len(joined) <= IDENTITY_CHARS else sha256(joined.encode()).hexdigest()
        return None if None in parts else short

    @classmethod
    def digests_of(cls, secrets: Mapping[str, object]) -> list[str]:
        """Digests that identify equal secrets while the account's identity is not known yet: one
        for each key, as in `secret_key_digests()`.

        None for kinds whose identity is entered with the secrets: two accounts may have the same
        password.
        """
        options_of = cls.properties_class.options_of
        is_discovered = any(options_of(name).get("read_only") for name in cls.identity_properties)
        if not (is_discovered and secrets):
            return []
        return secret_key_digests("credential.secrets", write_sorted(secrets))

    def newest_digest(self) -> str:
        """The digest to store; empty if there is none."""
        return next(iter(self.digests_of(self.secrets)), "")

    def parsed(self) -> Properties:
        """The parsed properties, secrets included. For the flow, never for a page."""
        return self.parsed_with(self.secrets)

    def parsed_with(self, secrets: Mapping[str, str]) -> Properties:
        """As `parsed()`, with other secrets."""
        return self.properties_class.model_validate(
            {"kind": self.kind, **self.properties, **secrets}
        )

    def masked_properties(self) -> dict[str, Any]:
        """The properties as the API returns them: in declared order, secrets as asterisks."""
        return masked_properties(self.kind, self.properties, self.secret_names)

    def properties_with(self, secrets: Mapping[str, str]) -> Secrets:
        return Secrets(declared_properties(self.kind, {**self.properties, **secrets}))


def save_locked(rows: Sequence[CredentialRow]) -> None:
    """As `save()` of each stored row, which the caller's transaction has locked, in as many
    statements for many as for one."""
    movable = [row.pk for row in rows if row.destination_properties]
    stored = type(rows[0])._base_manager.select_for_update().in_bulk(movable) if movable else {}
    pairs = [(stored[row.pk], row) for row in rows if row.pk in stored]
    moves = [(before, row) for before, row in pairs if before.destination != row.destination]
    if moves:
        destination_changed.send(sender=CredentialRow, moves=moves)
    for row in rows:
        row.update_secret_columns()
        row.update_end()
    leases.save_locked(rows)
    save_texts({row.pk: row.build_search_text() for row in rows}, SearchText)


def masked_properties(
    kind: str, properties: Mapping[str, object], secret_names: Iterable[str]
) -> dict[str, Any]:
    """As `CredentialRow.masked_properties()`, of these columns."""
    return declared_properties(kind, {**properties, **dict.fromkeys(secret_names, MASK)})


def declared_properties(kind: str, known: Mapping[str, object]) -> dict[str, Any]:
    declared = registry.registered.get(kind, CredentialRow).property_names
    return {"kind": kind, **{name: known[name] for name in declared if name in known}}
