"""The form of a sync."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms import BoundField
from django.http import QueryDict

from sequin_admin.core.forms import NameField, set_choices, set_queryset
from sequin_admin.core.split_fields import ChoiceOrOtherField, IntervalField
from sequin_admin.credentials.forms import MetadataField, WordsField
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.limits.models import LONGEST_MS
from sequin_admin.syncs import rules
from sequin_admin.syncs.forms.named import METADATA, NamedForm
from sequin_admin.syncs.models import Collection, Stream, Sync

# What most syncs leave as it is.
SELDOM = (
    *("max_age_days", "allowed_requests", "interval", "max_concurrent_requests"),
    *("external_id", "metadata"),
)


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
    sync_frequency = ChoiceOrOtherField(
        label="How often",
        choices=rules.FREQUENCIES,
        other="30m, 12h or 2d",
        initial="continuous",
        help_text="Other: a number with m for minutes, h for hours or d for days.",
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
    interval = IntervalField(
        required=False,
        longest_ms=LONGEST_MS,
        help_text="The length of the window, from 100 ms to a day.",
    )
    max_concurrent_requests = forms.IntegerField(
        required=False, help_text="At the same time. Empty or 0: no cap of its own."
    )
    external_id = forms.CharField(
        required=False,
        max_length=200,
        label="External ID",
        help_text="Your own id of this customer, which every search finds.",
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

    def often(self) -> list[BoundField]:
        return [field for field in self if field.name not in SELDOM]

    def seldom(self) -> list[BoundField]:
        return [field for field in self if field.name in SELDOM]

    def shows_seldom(self) -> bool:
        """Whether something stands in the fields that are folded, or is wrong with it."""
        return any(field.errors or field.value() for field in self.seldom())

    @classmethod
    def of(cls, sync: Sync, known: Iterable[Collection], data: QueryDict | None) -> "SyncForm":
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
