"""The limits of the code's size that are met stay met: `python -m sequin_admin.tools.sizes`."""

from sequin_admin.core.env import ROOT
from sequin_admin.tools import sizes
from sequin_admin.tools.annotations import any_types
from sequin_admin.tools.docstrings import undocumented_classes, undocumented_raises
from sequin_admin.tools.sources import Source


def test_what_is_met_stays_met():
    unmet = {figure.name: figure.places for figure in sizes.figures(ROOT) if not figure.is_met}

    assert unmet == {}


def source(text):
    return Source(ROOT / "sequin_admin" / "example.py", text)


def test_any_counts_but_for_json_and_signatures_of_django():
    text = """
def read(value: Any, known: dict[str, Any], *args: Any, **kwargs: Any) -> list[Any]: ...
class Row(models.Model):
    def save(self, using: Any) -> Any: ...
    def other(self, value: Any) -> None: ...
"""

    assert len([*any_types([source(text)])]) == 3


def test_a_docstring_is_wanted_of_public_classes_and_of_what_raises():
    text = """
class Row:
    class Meta: ...
class _Own: ...
def refuse():
    raise ValueError
def pass_on():
    raise
def outer():
    def inner():
        raise ValueError
def told():
    '''Raises.'''
    raise ValueError
"""

    assert len([*undocumented_classes([source(text)])]) == 1
    named = [place.split()[-1] for place in undocumented_raises([source(text)])]
    assert named == ["refuse"]


def test_the_signature_of_a_function_is_not_its_size():
    (function,) = source("def add(\n    a,\n    b,\n):\n    c = a + b\n    return c\n").functions()

    assert sizes.body_length(function) == 2
