"""Any file gives rows and problems, never an exception; no problem quotes a value."""

import json

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequin_admin.command_line.formats import Unreadable, read

FORMATS = ("auto", "json", "csv", "airflow", "nango", "n8n")
WORDS = (
    *("kind", "properties", "data", "name", "metadata", "oauth_app_id", "secret", "test"),
    *("connections", "provider_config_key", "connection_id", "credentials", "raw", "hub_id"),
    *("connection_config", "conn_type", "extra", "host", "login", "password", "scope", "tags"),
)
NAMES = ("stripe_key", "hubspot_oauth2", "http", "hubspot", "salesforce", "api.stripe.com")
MARK = "canary7f3e"
SECRET = st.just(MARK) | st.just(f"sk_live_{MARK}") | st.just(f"https://{MARK}:{MARK}@x/{MARK}")
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NAMES) | SECRET
words = st.sampled_from(WORDS) | st.text(max_size=3)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=8),
    max_leaves=30,
)
quietly = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def survives(data, shapes):
    for format in FORMATS:
        said, items = result(data, format, shapes)

        assert MARK not in said
        for item in items:
            json.dumps(item.body, allow_nan=False, ensure_ascii=False).encode()
            assert item.kind in shapes


def result(data, format, shapes):
    try:
        reading = read(data, format, shapes)
    except Unreadable as reason:
        return str(reason), []
    return " ".join(problem.sentence for problem in reading.problems), reading.items


@quietly
@given(values)
def test_any_json(shapes, value):
    survives(json.dumps(value).encode(), shapes)


@quietly
@given(values)
def test_any_yaml(shapes, value):
    survives(yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"), shapes)


@quietly
@given(st.lists(st.lists(st.sampled_from([*WORDS, *NAMES, MARK, '"', ""]), max_size=6), max_size=6))
def test_any_csv(shapes, rows):
    survives("\n".join(",".join(row) for row in rows).encode(), shapes)
    survives(("kind,secret,name\n" + "\n".join(",".join(r) for r in rows)).encode(), shapes)


@quietly
@given(st.binary(max_size=300))
def test_any_bytes(shapes, data):
    survives(data, shapes)


def test_depths_and_lengths_that_nobody_writes(shapes):
    for data in (b"[" * 100_000, b"{" * 20_000, b"9" * 10_000, b'"' * 9, b"[" * 900 + b"]" * 900):
        survives(data, shapes)


def test_a_refused_row_that_is_no_object_has_its_reason_in_the_report(shapes):
    """Corrected there, it is imported."""
    key = "sendgrid://:SG.a.b@"
    for text in ("AIRFLOW_CONN_MAILS=nothing", '{"mails": "nothing", "b": {"conn_type": "x"}}'):
        reading = read(text.encode(), "auto", shapes)
        reason = reading.problems[0].sentence
        report = reading.report({1: reason})

        assert json.loads(report) == {"mails": {"uri": "nothing", "refused_because": reason}}
        corrected = read(report.replace("nothing", key).encode(), "auto", shapes)
        assert [item.body["properties"]["api_key"] for item in corrected.items] == ["SG.a.b"]

    good = {"kind": "stripe_key", "name": "a", "secret": "sk_test_1"}
    reading = read(json.dumps([7, {"properties": good}]).encode(), "auto", shapes)
    [problem] = reading.problems
    [row] = json.loads(reading.report({problem.row: problem.sentence}))
    assert row == {"value": 7, "refused_because": problem.sentence}
