"""Names that people give: one line of words with single spaces between them, on every door."""

import re
from collections.abc import Sequence

from django.db import models

from sequin_admin.core.wrapping import trim

# White space of any kind, and control characters, which would break a line or a mail's header. Not
# NUL, which is refused where a text comes in.
_BLANKS = re.compile(r"[\s\x01-\x1f\x7f-\x9f]+")
# What turns the direction of the text behind a name as well (UAX 9, 2.1 to 2.4). Letters of Hebrew
# or Arabic need none of them.
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean_name(text: str) -> str:
    """The name on one line. Of one that nobody would see, nothing is left."""
    if type(text) is str and text.isprintable() and text == " ".join(text.split()):
        # All but a few are so already, and each is asked several times on its way to its column.
        return text
    return trim(_BLANKS.sub(" ", _TURNS.sub("", text)))


class NameColumn(models.CharField):
    """A column that holds names as `clean_name()` makes them, whoever writes it: forms and the API
    have done so before, what a provider tells and what commands are given has not been.

    It migrates as the `CharField` that it is in the database.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        """Clean it on the instance as well, so that what is shown next is what is stored."""
        name: object = getattr(model_instance, self.attname)
        if isinstance(name, str):
            name = clean_name(name)
            setattr(model_instance, self.attname, name)
        return name

    def get_prep_value(self, value: object) -> object:
        prepared = super().get_prep_value(value)
        return clean_name(prepared) if isinstance(prepared, str) else prepared

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
