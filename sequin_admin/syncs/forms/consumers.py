"""The form of a consumer."""

from typing import Any

from django import forms
from django.http import QueryDict

from sequin_admin.access.models import Organization
from sequin_admin.core.forms import NameField, set_choices, set_queryset
from sequin_admin.credentials.forms import MetadataField
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.syncs.forms.named import METADATA, NamedForm
from sequin_admin.syncs.models import Consumer, Sync, Target

MOST_CHOICES = 200
INTO_ANOTHER = (
    "The database it writes to. If you choose another one, everything is read again from the "
    "start, into that one; what was written stays where it is."
)


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
    def of(cls, consumer: Consumer, data: QueryDict | None) -> "ConsumerForm":
        names = ("name", "target", "all_syncs", "active", "metadata")
        initial = {name: getattr(consumer, name) for name in names}
        initial["syncs"] = [str(sync.pk) for sync in consumer.syncs.all()]
        form = cls(consumer.organization, data, initial=initial)
        form.fields["target"].help_text = INTO_ANOTHER
        return form

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given.get("all_syncs") and not given.get("syncs") and "syncs" not in self.errors:
            self.add_error("syncs", "Choose at least one sync, or all.")
        return given

    def columns(self) -> dict[str, Any]:
        chosen = self.own.filter(pk__in=self.cleaned_data["syncs"])
        return {**self.cleaned_data, "syncs": list(chosen)}
