"""Fields of two inputs: an interval with its unit, a choice with "other"."""

import pytest
from django import forms
from django.http import QueryDict

from sequin_admin.core.split_fields import ChoiceOrOtherField, IntervalField

DAY_MS = 86_400_000


class Form(forms.Form):
    """One of each."""

    interval = IntervalField(longest_ms=DAY_MS)
    often = ChoiceOrOtherField(choices={"1h": "Every hour"}, other="30m")


def sent(query):
    return Form(QueryDict(query))


@pytest.mark.parametrize(
    ("query", "milliseconds"),
    [
        ("interval_0=2&interval_1=60000", 120_000),
        ("interval_0=+250+&interval_1=1", 250),
        ("interval=1500", 1500),
        # Left to the bounds of the limit, without a number that no column takes.
        (f"interval_0={'9' * 40}&interval_1=3600000", DAY_MS + 1),
    ],
)
def test_an_interval_is_in_milliseconds(query, milliseconds):
    form = sent(f"{query}&often=1h")

    assert form.is_valid()
    assert form.cleaned_data["interval"] == form["interval"].value() == milliseconds


@pytest.mark.parametrize("number", ["soon", "1.5", "-1", "\N{SUPERSCRIPT TWO}"])
def test_what_is_no_interval_stays_in_the_form(number):
    form = sent(f"interval_0={number}&interval_1=1000&often=1h")

    assert form.errors["interval"] == ["Enter a whole number."]
    assert form["interval"].value() == [number, "1000"]


@pytest.mark.parametrize("query", ["interval_0=&interval_1=1000", "interval=", ""])
def test_an_empty_interval_is_none_whatever_its_unit(query):
    form = sent(f"{query}&often=1h")

    assert form["interval"].value() is None
    assert form.errors["interval"] == ["This field is required."]


def test_an_unknown_unit_is_refused():
    assert "interval" in sent("interval_0=1&interval_1=fortnight").errors


@pytest.mark.parametrize(
    ("stored", "number", "unit"),
    [(1500, "1500", "ms"), (20_000, "20", "s"), (60_000, "1", "min"), (DAY_MS, "24", "h")],
)
def test_an_interval_is_shown_in_the_largest_unit_that_fits(stored, number, unit):
    html = str(Form(initial={"interval": stored})["interval"])

    assert f'value="{number}"' in html
    assert f"selected>{unit}</option>" in html


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("often_0=1h&often_1=ignored", "1h"),
        ("often_0=other&often_1=30m", "30m"),
        ("often=2d", "2d"),
    ],
)
def test_a_choice_or_another_value(query, value):
    form = sent(f"interval=1000&{query}")

    assert form.is_valid()
    assert form.cleaned_data["often"] == form["often"].value() == value


def test_other_needs_a_value():
    assert "often" in sent("interval=1000&often_0=other&often_1=").errors


def test_another_value_is_shown_as_other():
    html = str(Form(initial={"often": "30m"})["often"])

    assert 'value="30m"' in html
    assert '<option value="other" selected>' in html


@pytest.mark.parametrize("number", ["9" * 16, "9" * 5000])
def test_more_digits_than_python_converts_are_too_long_an_interval(number):
    interval = IntervalField(longest_ms=DAY_MS)

    assert interval.clean([number, "1"]) == DAY_MS + 1
    assert interval.widget.decompress(number) == [number, "1"]
