"""The forms of syncs, streams, targets and consumers."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet

from sequin_admin.access.models import Organization
from sequin_admin.core.forms import NameField, set_choices, set_queryset
from sequin_admin.credentials.forms import (
    AGAIN,
    KEEP,
    BlankPassword,
    MetadataField,
    WordsField,
)
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.syncs import rules
from sequin_admin.syncs.models import (
    SLUG_CHARS,
    Collection,
    Consumer,
    SslMode,
    Stream,
    Sync,
    Target,
)

MOST_CHOICES = 200
METADATA = "JSON of your own, found again by the API."


class NamedForm(forms.Form):
    """Base form. `kept` has the secrets that keep their value when their field is left empty."""

    kept: Mapping[str, str] = {}
    # Form fields for errors of model fields that have another name here.
    field_names: Mapping[str, str] = {}

    def explain(self, error: ValidationError) -> None:
        """Add a domain function's validation errors to the form's fields."""
        for path, messages in error.message_dict.items():
            name = self.field_names.get(path, path.rpartition(".")[2])
            for message in messages:
                self.add_error(name if name in self.fields else None, message)


class TargetForm(NamedForm):
    """Where a target is and how to log in there."""

    name = NameField(max_length=NAME_CHARS, help_text="How the database is called here.")
    host = forms.CharField(
        max_length=253,
        validators=[RegexValidator(rules.HOST, "Enter one host name or address, without a port.")],
        help_text="Name or address of the PostgreSQL server.",
    )
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=5432)
    database = forms.CharField(max_length=63)
    username = forms.CharField(max_length=63, widget=forms.TextInput({"autocomplete": "off"}))
    password = forms.CharField(max_length=1000, strip=False, widget=BlankPassword({}))
    ssl_mode = forms.ChoiceField(
        label="TLS", choices=SslMode.choices, initial=SslMode.PREFER, help_text="When to encrypt."
    )
    schema = forms.CharField(
        max_length=63, required=False, help_text="Leave it empty for the user's own search path."
    )
    metadata = MetadataField(required=False, help_text=METADATA)

    @classmethod
    def of(cls, target: Target, data: Any) -> "TargetForm":
        """Form to edit a target: an empty password keeps the stored one."""
        form = cls(data, initial={name: getattr(target, name) for name in COLUMNS})
        form.kept = dict(target.secrets)
        form.fields["password"].required = False
        form.fields["password"].help_text = KEEP
        return form

    def clean(self) -> dict[str, Any]:
        if self.errors and self.cleaned_data.get("password"):
            self.add_error("password", AGAIN)
        return self.cleaned_data


COLUMNS = ("name", "host", "port", "database", "username", "ssl_mode", "schema", "metadata")


class StreamForm(NamedForm):
    """The slug of a stream."""

    slug = forms.CharField(
        max_length=SLUG_CHARS,
        help_text="Lowercase letters, digits and dashes: prod, or billing-dev.",
    )

    @classmethod
    def of(cls, stream: Stream, data: Any) -> "StreamForm":
        return cls(data, initial={"slug": stream.slug})


class SyncForm(NamedForm):
    """What a sync reads, how often and how fast."""

    field_names = {"collection_ids": "others"}

    name = NameField(max_length=NAME_CHARS, help_text="How the sync is called here.")
    stream = forms.ModelChoiceField(
        Stream.objects.none(),
        required=False,
        empty_label="None",
        help_text="The part of your data that it writes to. A sync keeps its stream.",
    )
    collections = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="What is read."
    )
    others = WordsField(
        required=False,
        label="Other collections",
        help_text="Ids that are not in the list above, separated by spaces.",
    )
    sync_frequency = forms.CharField(
        initial="continuous", help_text="continuous, or how often: 30m, 4h, 1d."
    )
    max_age_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=rules.LONGEST_AGE_DAYS,
        label="Only the last days",
        help_text="Leave it empty to read everything, however old.",
    )
    allowed_requests = forms.IntegerField(
        required=False, help_text="A limit of its own, within its credential's. Empty: that one."
    )
    interval = forms.IntegerField(
        required=False,
        label="Interval (ms)",
        help_text="Milliseconds: 1000 is a second, 60000 a minute.",
    )
    max_concurrent_requests = forms.IntegerField(
        required=False, help_text="At the same time. Empty or 0: no cap of its own."
    )
    external_id = forms.CharField(
        required=False,
        max_length=200,
        label="External ID",
        help_text="Your own id of this customer, found again by the API.",
    )
    metadata = MetadataField(required=False, help_text=METADATA)

    def __init__(
        self,
        known: Iterable[Collection],
        *args: Any,
        streams: QuerySet[Stream] | None = None,
        **kwargs: Any,
    ) -> None:
        """`known` collections and `streams` are the choices; without choices there is no field."""
        super().__init__(*args, **kwargs)
        set_queryset(self, "stream", streams)
        if not streams:
            del self.fields["stream"]
        choices = [(row.collection_id, f"{row.name} ({row.collection_id})") for row in known]
        set_choices(self, "collections", choices)
        if not choices:
            del self.fields["collections"]

    @classmethod
    def of(cls, sync: Sync, known: Iterable[Collection], data: Any) -> "SyncForm":
        rows = list(known)
        ids = {row.collection_id for row in rows}
        plain = ("name", "sync_frequency", "max_age_days", "external_id", "metadata")
        initial = {name: getattr(sync, name) for name in plain} | (sync.rate_limit or {})
        initial["collections"] = [c for c in sync.collection_ids if c in ids]
        initial["others"] = [c for c in sync.collection_ids if c not in ids]
        return cls(rows, data, initial=initial)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        half = {"allowed_requests", "interval"}
        missing = {name for name in half if given.get(name) is None and name not in self.errors}
        if missing and (missing != half or given.get("max_concurrent_requests")):
            for name in missing:
                self.add_error(name, "A limit of its own needs both requests and interval.")
        return given

    def columns(self) -> dict[str, Any]:
        given = self.cleaned_data
        plain = ("name", "sync_frequency", "max_age_days", "external_id", "metadata")
        rate = {name: given.get(name) or 0 for name in Rate.model_fields}
        chosen = [*given.get("collections", []), *given["others"]]
        return {
            **{name: given[name] for name in plain},
            **({"stream": given["stream"]} if "stream" in self.fields else {}),
            "collection_ids": list(dict.fromkeys(chosen)),
            "rate_limit": rate if given.get("allowed_requests") is not None else None,
        }


class ConsumerForm(NamedForm):
    """Which syncs a consumer reads and where it writes."""

    name = NameField(max_length=NAME_CHARS, help_text="How the consumer is called here.")
    target = forms.ModelChoiceField(
        Target.objects.none(), empty_label=None, help_text="The database it writes to."
    )
    all_syncs = forms.BooleanField(
        required=False, label="All syncs", help_text="Also those that are made later."
    )
    syncs = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Or only these syncs",
    )
    active = forms.BooleanField(required=False, initial=True)
    metadata = MetadataField(required=False, help_text=METADATA)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        self.chosen: list[str] = kwargs.get("initial", {}).get("syncs", [])
        super().__init__(*args, **kwargs)
        set_queryset(self, "target", Target.objects.of(organization).defer("secrets"))
        self.own = Sync.objects.of(organization)
        newest = self.own.order_by("-created_at").values_list("pk", "name")[:MOST_CHOICES]
        chosen = self.own.filter(pk__in=self.chosen).values_list("pk", "name")
        choices = {str(pk): name for pk, name in [*chosen, *newest]}
        set_choices(self, "syncs", choices.items())

    @classmethod
    def of(cls, consumer: Consumer, data: Any) -> "ConsumerForm":
        names = ("name", "target", "all_syncs", "active", "metadata")
        initial = {name: getattr(consumer, name) for name in names}
        initial["syncs"] = [str(sync.pk) for sync in consumer.syncs.all()]
        return cls(consumer.organization, data, initial=initial)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given.get("all_syncs") and not given.get("syncs") and "syncs" not in self.errors:
            self.add_error("syncs", "Choose at least one sync, or all.")
        return given

    def columns(self) -> dict[str, Any]:
        chosen = self.own.filter(pk__in=self.cleaned_data["syncs"])
        return {**self.cleaned_data, "syncs": list(chosen)}
