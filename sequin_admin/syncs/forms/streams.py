"""The form of a stream."""

from django import forms
from django.http import QueryDict

from sequin_admin.syncs.forms.named import NamedForm
from sequin_admin.syncs.models import SLUG_CHARS, Stream


class StreamForm(NamedForm):
    """The slug of a stream."""

    slug = forms.CharField(
        max_length=SLUG_CHARS,
        help_text="Lowercase letters, digits and dashes: prod, or billing-dev.",
    )

    @classmethod
    def of(cls, stream: Stream, data: QueryDict | None) -> "StreamForm":
        return cls(data, initial={"slug": stream.slug})
