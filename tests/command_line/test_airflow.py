"""The format of `airflow connections export`."""

import json

import pytest

from sequin_admin.command_line.formats import Unreadable, read

EMPTY = dict.fromkeys(("description", "host", "login", "password", "port", "schema", "extra"), None)
STRIPE = {**EMPTY, "conn_type": "http", "host": "https://api.stripe.com", "password": "sk_live_1"}


def read_json(shapes, connections, **kinds):
    return read(json.dumps(connections).encode(), "auto", shapes, kinds)


def only(reading):
    assert reading.problems == []
    [item] = reading.items
    return item.body["properties"]


def test_a_connection_keeps_its_name(shapes):
    reading = read_json(shapes, {"stripe_prod": STRIPE})

    assert reading.items[0].body == {
        "name": "stripe_prod",
        "metadata": {"airflow_conn_id": "stripe_prod"},
        "properties": {
            "kind": "stripe_key",
            "name": "stripe_prod",
            "secret": "sk_live_1",
            "test": False,
        },
    }


def test_yaml_says_the_same(shapes):
    text = """
stripe_prod:
  conn_type: http
  description: null
  extra: null
  host: api.stripe.com
  login: ''
  password: sk_test_1
  port: null
  schema: null
"""
    assert only(read(text.encode(), "auto", shapes))["test"] is True


@pytest.mark.parametrize(
    ("connection", "wanted"),
    [
        (
            {"conn_type": "sendgrid", "password": "SG.a.b"},
            {"kind": "sendgrid_key", "api_key": "SG.a.b"},
        ),
        (
            {
                "conn_type": "salesforce",
                "host": "arrakis.my.salesforce.com",
                "extra": json.dumps(
                    {
                        "extra__salesforce__refresh_token": "5Aep",
                        "scope": "api refresh_token",
                        "organization_id": "00D5g000004ArrakEA",
                    }
                ),
            },
            {
                "kind": "salesforce_oauth2",
                "instance_url": "https://arrakis.my.salesforce.com",
                "refresh_token": "5Aep",
                "scope": "api refresh_token",
                "sfid": "00D5g000004ArrakEA",
            },
        ),
        (
            {
                "conn_type": "http",
                "host": "https://123-abc-456.mktorest.com/rest",
                "login": "client",
                "password": "hush",
            },
            {
                "kind": "marketo_client_credentials",
                "munchkin_id": "123-ABC-456",
                "client_id": "client",
                "client_secret": "hush",
            },
        ),
        (
            {"conn_type": "http", "host": "shop-001.myshopify.com", "password": "shpat_1"},
            {"kind": "shopify_oauth2", "shop": "shop-001.myshopify.com", "access_token": "shpat_1"},
        ),
        (
            {
                "conn_type": "http",
                "host": "wd2-impl-services1.workday.com",
                "login": "ISU@arrakis_dpt1",
                "password": "hush",
            },
            {
                "kind": "workday_password",
                "host": "wd2-impl-services1.workday.com",
                "tenant": "arrakis_dpt1",
                "username": "ISU@arrakis_dpt1",
                "password": "hush",
            },
        ),
        (
            {
                "conn_type": "http",
                "host": "https://arrakis.service-now.com",
                "extra": {"client_id": "c", "client_secret": "s", "refresh_token": "r"},
            },
            {
                "kind": "servicenow_oauth2",
                "instance_url": "https://arrakis.service-now.com",
                "client_id": "c",
                "client_secret": "s",
                "refresh_token": "r",
            },
        ),
        (
            {"conn_type": "http", "login": "user123", "password": "p", "extra": {"kind": "x"}},
            None,
        ),
        (
            {
                "conn_type": "generic",
                "login": "user123",
                "password": "p",
                "extra": {"kind": "checkout_champ_password"},
            },
            {"kind": "checkout_champ_password", "login_id": "user123", "password": "p"},
        ),
        (
            "http://:sk_test_a%2Fb@api.stripe.com/",
            {"kind": "stripe_key", "name": "it", "secret": "sk_test_a/b", "test": True},
        ),
        (
            "netsuite://?account_id=1234567&consumer_key=a&consumer_secret=b&token_id=c"
            "&token_secret=d",
            {
                "kind": "netsuite_tba",
                "account_id": "1234567",
                "consumer_key": "a",
                "consumer_secret": "b",
                "token_id": "c",
                "token_secret": "d",
            },
        ),
    ],
)
def test_types_hosts_and_extras_say_the_kind(shapes, connection, wanted):
    reading = read_json(shapes, {"it": connection, "other": "http://example.com"})

    assert [item.body["properties"] for item in reading.items] == ([wanted] if wanted else [])


def test_other_systems_stay_where_they_are_and_are_named(shapes):
    reading = read_json(shapes, {"warehouse": "postgres://u:hush@db/x", "stripe": STRIPE})

    assert [item.label for item in reading.items] == ["stripe"]
    [problem] = reading.problems
    assert (problem.row, problem.label) == (1, "warehouse")
    assert "--map warehouse=KIND" in problem.sentence
    assert "hush" not in problem.sentence


def test_a_password_is_no_refresh_token(shapes):
    """Airflow's Salesforce connections use a person's password, which is not supported."""
    connection = {"conn_type": "salesforce", "login": "paul", "password": "hush", "host": ""}

    [problem] = read_json(shapes, {"crm": connection}).problems

    assert problem.sentence.startswith(
        "As salesforce_oauth2: `instance_url`, `refresh_token`, `scope` and `sfid` are missing."
    )


def test_names_and_types_are_mapped_as_told(shapes):
    connections = {"a": {"conn_type": "generic", "login": "x", "password": "y"}, "b": STRIPE}

    by_name = read_json(shapes, connections, a="checkout_champ_password")
    by_type = read_json(shapes, connections, generic="checkout_champ_password")

    for reading in (by_name, by_type):
        kinds = [item.kind for item in reading.items]
        assert kinds == ["checkout_champ_password", "stripe_key"]


def test_yaml_that_grows_is_refused(shapes):
    text = b"a: &a {conn_type: http}\nb: *a\n"

    with pytest.raises(Unreadable, match="refers to parts of itself"):
        read(text, "airflow", shapes)


def test_a_report_with_a_row_that_is_still_wrong_is_read(shapes):
    first = read(b"AIRFLOW_CONN_X=stripe://:bad@x\nAIRFLOW_CONN_Y=?\n", "auto", shapes)
    report = first.report(dict.fromkeys(first.sources, "Wrong."))

    again = read(report.replace("bad", "sk_test_1").encode(), "auto", shapes)

    assert [item.label for item in again.items] == ["x"]
    assert [problem.label for problem in again.problems] == ["y"]
