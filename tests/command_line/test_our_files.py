"""Our own JSON and CSV."""

import json

import pytest

from sequin_admin.command_line.formats import Unreadable, read
from sequin_admin.credentials import kinds
from tests.factories import sample_properties

STRIPE = {"kind": "stripe_key", "name": "Arrakis", "secret": "sk_test_arrakis", "test": True}


def of(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda row: of([row]),
        lambda row: of({"data": [row], "next_cursor": None}),
        lambda row: of(row),
        lambda row: of(row) + b"\n\n" + of(row),
        lambda row: "\ufeff".encode() + of([row]),
        lambda row: json.dumps([row]).encode("utf-16"),
    ],
    ids=["list", "page", "single", "lines", "bom", "utf-16"],
)
def test_every_way_to_write_json_is_read(shapes, wrap):
    reading = read(wrap({"name": "Arrakis", "properties": STRIPE}), "auto", shapes)

    assert reading.problems == []
    assert reading.items[0].body == {"name": "Arrakis", "properties": STRIPE}
    assert (reading.items[0].row, reading.items[0].label) == (1, "Arrakis")


def test_what_an_export_has_besides_is_left_behind(shapes):
    row = {"id": "1", "kind": "stripe_key", "provider": "stripe", "health": {}, "oauth_app": None}

    reading = read(of([{**row, "properties": STRIPE, "metadata": {"a": 1}}]), "auto", shapes)

    assert reading.items[0].body == {"properties": STRIPE, "metadata": {"a": 1}}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"properties": STRIPE, "nmae": "x"}, "`nmae` is not known here: remove it."),
        ({"properties": {**STRIPE, "key": "x"}}, "`properties.key` is not known here"),
        ({"properties": {**STRIPE, "secret": ""}}, "`secret` is missing."),
        ({"properties": {**STRIPE, "secret": "***"}}, "`secret` is masked: export with"),
        ({"properties": {"kind": "nope"}}, "Its properties name no kind that is known: airtable"),
        ({"properties": {**STRIPE, "name": "a\0b"}}, "It holds what can't be stored"),
        ({"properties": {**STRIPE, "name": "\ud800"}}, "It holds what can't be stored"),
        ({"properties": []}, "It has no object `properties`."),
        ("text", "This is not an object with properties."),
    ],
)
def test_a_row_that_can_t_be_sent_says_why_and_the_others_go(shapes, row, said):
    reading = read(of([{"properties": STRIPE}, row]), "json", shapes)

    assert len(reading.items) == 1
    assert reading.problems[0].row == 2
    assert said in reading.problems[0].sentence


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_csv_holds_every_kind_with_its_types(shapes, kind):
    wanted = sample_properties(kind)
    columns = {name: cell_of(value) for name, value in wanted.items()}
    columns |= {"metadata.plan": "pro", "name": columns.get("name", "Arrakis")}
    header = ",".join(f'"{name}"' for name in columns)
    line = ",".join('"' + value.replace('"', '""') + '"' for value in columns.values())

    reading = read(f"{header}\n{line}\n".encode(), "auto", shapes)

    assert reading.problems == []
    assert reading.items[0].body == {
        "name": columns["name"],
        "metadata": {"plan": "pro"},
        "properties": wanted,
    }


def cell_of(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, list) else str(value)


def test_csv_rows_are_lines_and_empty_cells_are_left_out(shapes):
    text = (
        "kind;name;secret;test;hub_id\n"
        "stripe_key;Arrakis;sk_test_1;true;\n"
        "\n"
        "hubspot_oauth2;;;;many\n"
        "stripe_key;;;;\n"
        "nope;;;;\n"
        "stripe_key;a;b;c;d;e\n"
    )

    reading = read(text.encode(), "csv", shapes)

    assert [item.row for item in reading.items] == [2]
    assert [(p.row, p.sentence[:40]) for p in reading.problems] == [
        (4, "`hub_id` must be a whole number."),
        (5, "`name` and `secret` are missing."),
        (6, "Its `kind` is none that is known: airtab"),
        (7, "It has 6 cells, and the header names 5."),
    ]


def test_csv_columns_that_no_kind_has_are_named(shapes):
    reading = read(b"kind,name,secret,plan\nstripe_key,a,sk_test_1,pro\n", "auto", shapes)

    assert "`plan` is not known here: remove it." in reading.problems[0].sentence


def test_csv_without_a_header_is_not_quoted(shapes):
    with pytest.raises(Unreadable) as refused:
        read(b"stripe_key,Arrakis,sk_live_precious\n", "csv", shapes)

    assert "must name its columns" in str(refused.value)
    assert "precious" not in str(refused.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\xff", b"\x80", b"", b"hello", b"[", b"3", b"- a\n- b"])
def test_what_is_no_such_file_is_refused(shapes, data):
    with pytest.raises(Unreadable):
        read(data, "auto", shapes)
