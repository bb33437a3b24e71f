"""Pairs of places with the same lines: what counts and what does not."""

from pathlib import Path

from sequin_admin.tools.lines import letter_lines
from sequin_admin.tools.repeats import find_pairs
from sequin_admin.tools.shapes import shape_runs

STATEMENTS = [
    "first = read(path)",
    "if not first:",
    "    raise ValueError('empty')",
    "for row in first:",
    "    row.save()",
    "    count += 1",
    "while count > 3:",
    "    count -= 2",
    "found[count] = row",
    "return found",
]


def function(name, lines=STATEMENTS):
    return "\n".join([f"def {name}(path):", *(f"    {line}" for line in lines)]) + "\n\n\n"


def letter(**texts):
    return find_pairs(letter_lines(Path(f"{name}.py"), text) for name, text in texts.items())


def shape(text):
    return find_pairs(shape_runs(Path("one.py"), text))


def test_ten_equal_lines_are_a_pair_and_nine_are_not():
    assert [pair.length for pair in letter(one=function("a"), two=function("b"))] == [10]
    assert letter(one=function("a", STATEMENTS[1:]), two=function("b", STATEMENTS[1:])) == []


def test_blank_lines_and_comments_are_passed_over():
    spaced = function("b").replace("    while", "\n    # While there are some.\n    while")

    (pair,) = letter(one=function("a"), two=spaced)

    assert (str(pair.first.path), pair.first.number, pair.second.number) == ("one.py", 2, 2)


def test_imports_and_declarations_are_passed_over():
    imports = "".join(f"import module{number}\n" for number in range(12))
    fields = "class Row:\n" + "".join(f"    field{n} = Field({n})\n" for n in range(12))

    assert letter(one=imports + fields, two=imports + fields) == []


def test_bodies_of_one_shape_are_a_pair_whatever_their_names():
    renamed = function("b").replace("row", "line").replace("count", "sum").replace("'empty'", "'x'")

    assert [pair.length for pair in shape(function("a") + renamed)] == [10]
    assert shape(function("a") + renamed.replace("while", "if")) == []


def test_arguments_that_are_a_list_of_data_are_no_shape():
    call = ["return make(", *(f"    name{number}={number}," for number in range(12)), ")"]

    assert shape(function("a", call) + function("b", call)) == []


def test_three_places_are_three_pairs():
    assert len(shape(function("a") + function("b") + function("c"))) == 3
