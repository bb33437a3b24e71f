"""Form fields of two inputs for one value: a number with its unit, or a choice with "other".

What is sent under the field's plain name is the value itself, as scripts and older pages do.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

UNITS = [("1", "ms"), ("1000", "s"), ("60000", "min"), ("3600000", "h")]
WHOLE = "Enter a whole number."
OTHER = "other"
# Python converts no more than 4,300.
MOST_DIGITS = 15


def is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal()


class TwoInputs(forms.MultiWidget):
    """Two inputs side by side."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if name in data:
            return self.decompress(data[name])
        return super().value_from_datadict(data, files, name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and super().value_omitted_from_data(data, files, name)

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """That of the first input, where a link from an error leads."""
        return f"{id_}_0" if id_ else ""


class IntervalWidget(TwoInputs):
    """A number and its unit. A value in milliseconds is shown in the largest that divides it."""

    def __init__(self) -> None:
        number = {"inputmode": "numeric", "aria-label": "Number", "class": "part"}
        super().__init__(
            [
                forms.TextInput(number),
                forms.Select({"aria-label": "Unit", "class": "part"}, choices=UNITS),
            ]
        )

    def decompress(self, value: object) -> list[str]:
        text = "" if value is None else str(value)
        if not is_whole(text) or len(text) > MOST_DIGITS or not int(text):
            return [text, "1"]
        fitting = [int(unit) for unit, _ in UNITS if int(text) % int(unit) == 0]
        return [str(int(text) // fitting[-1]), str(fitting[-1])]


class IntervalField(forms.Field):
    """A length of time, entered with a unit and cleaned to milliseconds."""

    def __init__(self, *, longest_ms: int, **options: Any) -> None:
        self.longest_ms = longest_ms
        super().__init__(widget=IntervalWidget(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Milliseconds as they are, also of the two inputs when they are a number."""
        if not isinstance(value, list):
            return value
        if not value[0]:
            return None
        number = self.parse(value)
        return value if number is None else number

    def clean(self, value: Any) -> int | None:
        if not value or not value[0]:
            if self.required:
                raise forms.ValidationError(self.error_messages["required"], code="required")
            return None
        number = self.parse(value)
        if number is None:
            raise forms.ValidationError(WHOLE)
        return number

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(data) != initial)

    def words(self, value: object) -> str:
        """A value of `prepare_value()` for people: 60000 -> "1 min"."""
        number, unit = value if isinstance(value, list) else self.widget.decompress(value)
        return f"{number} {dict(UNITS).get(unit, '')}".strip() if number else ""

    def parse(self, value: list[str]) -> int | None:
        """In milliseconds; None for what is no whole number or of no unit."""
        number, unit = str(value[0]).strip(), value[1] or "1"
        if unit not in dict(UNITS) or not is_whole(number):
            return None
        if len(number) > MOST_DIGITS:
            return self.longest_ms + 1
        return min(int(number) * int(unit), self.longest_ms + 1)


class ChoiceOrOtherWidget(TwoInputs):
    """A choice, and a text that counts when the choice is "other"."""

    def __init__(self, choices: Iterable[tuple[str, str]], other: str) -> None:
        self.usual = dict(choices)
        every = [*self.usual.items(), (OTHER, "Other")]
        text = {"aria-label": other, "placeholder": other, "class": "part"}
        super().__init__(
            [
                forms.Select({"aria-label": "Choice", "class": "part"}, choices=every),
                forms.TextInput(text),
            ]
        )

    def decompress(self, value: object) -> list[str]:
        text = "" if value is None else str(value)
        return [text, ""] if text in self.usual else [OTHER, text]


class ChoiceOrOtherField(forms.Field):
    """One of the usual values, or another one. `other` says how that is written."""

    def __init__(self, *, choices: Mapping[str, str], other: str, **options: Any) -> None:
        super().__init__(widget=ChoiceOrOtherWidget(choices.items(), other), **options)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return value[1] if value[0] == OTHER else value[0]

    def clean(self, value: Any) -> str:
        chosen = str(self.prepare_value(value) or "").strip()
        if self.required and not chosen:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return chosen

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(data) != initial)
