"""What dlt does by default, and must not do with us."""

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.postgresql]
ROWS = [{"id": f"c{number}", "amount": number} for number in range(20)]


def page(*rows, **more):
    return {"rows": list(rows), **more}


def run(*pages, **more):
    return {"pages": list(pages), **more}


def keys(held, table="customer_raw"):
    return {row[0] for row in held.sql(f"SELECT id FROM {{schema}}.{table}")}


def test_a_second_tombstone_does_not_bring_a_row_back(held):
    gone = page(gone=["c3"])

    reports = held.load(run(page(*ROWS)), run(gone), run(gone), run(page(ROWS[4])))

    assert keys(held) == {row["id"] for row in ROWS} - {"c3"}
    assert [sum(each["rows_deleted"] for each in run) for run in reports] == [0, 1, 0, 0]


def test_the_last_word_counts_within_a_round(held):
    held.load(run(page(*ROWS, {"id": "c1", "amount": 99}, gone=["c2"]), page({"id": "c2"})))

    found = dict(held.sql("SELECT id, data FROM {schema}.customer_raw"))
    assert found["c1"]["amount"] == 99
    assert found["c2"] == {"id": "c2"}


@pytest.mark.parametrize("where", ["environment", "file"])
def test_credentials_are_taken_from_nowhere_else(held, tmp_path, where):
    """Neither with the password, nor with what a URL could say besides."""
    elsewhere = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"
    if where == "environment":
        held.start(
            **{
                "DESTINATION__POSTGRES__CREDENTIALS": elsewhere,
                "DESTINATION__SEQUIN__CREDENTIALS": elsewhere,
                "CREDENTIALS": elsewhere,
                "DESTINATION__CREDENTIALS__PASSWORD": "nothing",
                "DATASET_NAME": "elsewhere",
                "SCHEMA__NAMING": "direct",
                **{"PGHOST": "127.0.0.2", "PGHOSTADDR": "127.0.0.2", "PGPORT": "1"},
                **{"PGSSLMODE": "verify-full", "PGOPTIONS": "-c search_path=elsewhere"},
            }
        )
    else:
        (tmp_path / ".dlt").mkdir()
        text = f'[destination.postgres]\ncredentials = "{elsewhere}"\n'
        text += f'[destination.sequin]\ncredentials = "{elsewhere}"\n'
        (tmp_path / ".dlt" / "secrets.toml").write_text(text)
        (tmp_path / ".dlt" / "config.toml").write_text('[schema]\nnaming = "direct"\n')
        held.start(tmp_path)

    held.load(run(page(*ROWS)))

    assert len(keys(held)) == len(ROWS)
    held.stop()


def test_nothing_is_told_to_anybody(held):
    """dlt's telemetry, which is on by itself."""
    code = (
        "import dlt\n"
        "from dlt.common.configuration.container import Container\n"
        "from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext\n"
        "from dlt.common.runtime import anon_tracker\n"
        "from sequin_admin.client.dlt.settings import given_settings\n"
        "Container()[PluggableRunContext].initialize_runtime()\n"
        "print(anon_tracker._ANON_TRACKER_ENDPOINT is None)\n"
        "with given_settings(): print(anon_tracker._ANON_TRACKER_ENDPOINT is None)"
    )
    assert held.run(code).split() == ["False", "True"]


def test_the_key_is_a_primary_key(held):
    held.load(run(page(*ROWS)))

    query = (
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
        "AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND "
        "i.indrelid = '{schema}.customer_raw'::regclass"
    )
    assert held.sql(query) == [("id",)]


def test_another_type_loses_nothing_and_is_seen_by_readers(held):
    """dlt's own columns would have NULL there, and the text in a column beside it."""
    first = page(*ROWS, {"id": "x", "amount": None, "on": True, "more": {"deep": [1]}})
    held.load(run(first))
    before = held.sql("SELECT sum(amount) FROM {schema}.customer")

    held.load(run(page({"id": "c5", "amount": "much", "on": 7, "tier": "gold"})))

    assert before == [(sum(range(20)),)]
    rows = dict(held.sql("SELECT id, amount FROM {schema}.customer"))
    assert (rows["c4"], rows["c5"], rows["x"]) == ("4", "much", None)
    shown = held.sql("SELECT id, \"on\", tier, more FROM {schema}.customer WHERE id IN ('c5', 'x')")
    assert sorted(shown) == [("c5", "7", "gold", None), ("x", "true", None, {"deep": [1]})]


def test_views_of_readers_are_not_dropped(held):
    held.load(run(page(*ROWS)))
    held.sql("CREATE VIEW {schema}.mine AS SELECT sum(amount) FROM {schema}.customer")

    held.load(run(page({"id": "c5", "amount": "much"})))

    assert ("c5", "much") in held.sql("SELECT id, data->>'amount' FROM {schema}.customer_raw")
    assert held.sql("SELECT 1 FROM pg_views WHERE viewname = 'mine'") == [(1,)]


def test_texts_that_jsonb_does_not_take_are_loaded(held):
    held.load(run(page({"id": "n", "text": "a\0b", "half": "\ud800", "path": "C:\\u0000"})))

    ((data,),) = held.sql("SELECT data FROM {schema}.customer_raw")
    assert data == {"id": "n", "text": "a\ufffdb", "half": "\ufffd", "path": "C:\\u0000"}


def test_what_has_not_changed_is_not_written_again(held):
    reports = held.load(run(page(*ROWS)), run(page(*ROWS, {"id": "new"})))

    assert [sum(each["rows_written"] for each in run) for run in reports] == [20, 1]


def test_a_table_that_is_gone_is_read_from_the_beginning(held):
    """And dlt, which believes that it is there, makes it again."""
    held.load(run(page(*ROWS)))
    held.sql("DROP TABLE {schema}.customer_raw CASCADE")

    held.load(run(page(*ROWS)))

    assert len(keys(held)) == len(ROWS)


def test_a_new_generation_takes_the_place_of_the_old_one(held):
    held.load(run(page(*ROWS)))
    held.sql("CREATE VIEW {schema}.mine AS SELECT count(*) AS rows FROM {schema}.customer")

    held.load(run(page(*ROWS[:5]), generation=2), run(page(gone=["c0"]), generation=2))

    assert keys(held) == {"c1", "c2", "c3", "c4"}
    assert held.sql("SELECT rows FROM {schema}.mine") == [(4,)]
    assert held.sql("SELECT to_regclass('{schema}.customer_raw_2')") == [(None,)]


def test_a_new_generation_that_lacks_much_waits_for_a_person_and_goes_on(held):
    """And so does the one that the source has nothing for."""
    held.load(run(page(*ROWS)))

    reports = held.load(
        run(page(), generation=2, holds=[20]),
        run(page(*ROWS[:5]), generation=2, holds=[15]),
    )

    assert keys(held) == {row["id"] for row in ROWS}
    assert [any(each["completed"] for each in run) for run in reports] == [False, False]
    assert {"rows_seen": 5, "rows_to_delete": 15}.items() <= reports[1][-1].items()

    held.load(run(page(ROWS[5]), generation=2, holds=[15]))

    assert keys(held) == {f"c{number}" for number in range(6)}


def test_nothing_is_left_of_a_generation_that_came_to_no_end(held):
    held.load(run(page(*ROWS)), run(page(ROWS[0]), generation=2, holds=[19]))
    left = "SELECT count(*) FROM pg_tables WHERE tablename ~ '^customer_raw_[0-9]'"
    assert held.sql(left) == [(2,)]

    held.load(run(page(*ROWS[:9]), generation=3), run(page(ROWS[9])))

    assert keys(held) == {row["id"] for row in ROWS[:10]}
    assert held.sql(left) == [(0,)]


def test_a_sweep_that_is_held_deletes_nothing(held):
    seen = [row["id"] for row in ROWS[:5]]
    swept = run(page(*ROWS[:5], seen=seen), deletes="sweep", holds=[15])

    reports = held.load(run(page(*ROWS)), swept, {**swept, "generation": 2})

    assert keys(held) == {row["id"] for row in ROWS}
    assert [sum(each["rows_deleted"] for each in run) for run in reports] == [0, 0, 0]
    # It is at its end, but readers do not see the new generation.
    assert [run[-1]["completed"] for run in reports] == [True, True, False]


@pytest.mark.parametrize(
    ("collection_id", "table"),
    [
        ("hubspot:2-123456", "_2_123456"),
        ("salesforce:Account__c", "account_c"),
        ("a:größe_", "gr_e"),
    ],
)
def test_a_collection_of_any_name_has_its_table(held, collection_id, table):
    """Where dlt makes it: it changes names that have a digit first, or two underscores."""
    once = run(page(*ROWS), collection_id=collection_id)

    reports = held.load(once, once)

    assert keys(held, f"{table}_raw") == keys(held, table) == {row["id"] for row in ROWS}
    assert [sum(each["rows_written"] for each in run) for run in reports] == [20, 0]


@pytest.mark.parametrize(
    ("named", "schema"),
    [
        ("Records & More", "records_more_5b9c1f60aaaa"),
        ("records" + "x" * 56, "records" + "x" * 35 + "_5b9c1f60aaaa"),
    ],
)
def test_a_schema_of_any_name_is_written_to(held, monkeypatch, named, schema):
    monkeypatch.setattr(held, "named", named)
    monkeypatch.setattr(held, "schema", schema)

    reports = held.load(run(page(*ROWS)), run(page(*ROWS)))

    assert keys(held) == {row["id"] for row in ROWS}
    assert [sum(each["rows_written"] for each in run) for run in reports] == [20, 0]


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["stripe:customer", "stripe:charge"], ""),
        (["airtable:tblSpice", "airtable:tblspice"], "would both be tblspice"),
        (["hubspot:a.b", "hubspot:a_b"], "would both be a_b"),
        (["hubspot:contact_raw", "hubspot:contact"], "would both be contact_raw"),
        (["airtable:order", "airtable:order_2"], "would both be order_2"),
        (["airtable:order_2", "airtable:order"], "would both be order_2"),
        (["airtable:order_2", "airtable:order_3"], ""),
    ],
)
def test_no_two_collections_share_a_table(held, ids, said):
    code = (
        "from sequin_admin.client.dlt import tables\n"
        f"try: tables.refuse_shared_names({ids})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )

    printed = held.run(code)

    assert printed.startswith("RunFailed ") if said else not printed
    assert said in printed


def test_a_full_pass_tells_how_many_rows_it_has_seen(held):
    """Also of those that the target has already, which are not written again."""
    reports = held.load(run(page(*ROWS)), run(page(*ROWS)))

    assert [run[-1]["rows_seen"] for run in reports] == [20, 20]


def test_a_sweep_deletes_what_was_not_seen(held):
    seen = [row["id"] for row in ROWS[:15]]

    reports = held.load(run(page(*ROWS)), run(page(*ROWS[:15], seen=seen), deletes="sweep"))

    assert keys(held) == set(seen)
    assert sum(each["rows_deleted"] for each in reports[1]) == 5
    assert {"rows_seen": 15, "rows_to_delete": 5}.items() <= reports[1][1].items()


def test_the_cursor_is_reported_after_the_commit(held):
    """Of a round that can't be committed nothing is reported."""
    reports = held.load(run(page(*ROWS, cursor={"after": "c19"})))

    assert reports[0][0]["cursor"] == {"after": "c19"}
    assert "cursor" not in reports[0][-1]


def test_who_was_replaced_writes_nothing(held):
    """Neither in a transaction that had begun, nor in a new one, nor through dlt."""
    held.load(run(page(*ROWS)))
    before = held.sql("SELECT id, xmin::text FROM {schema}.customer_raw ORDER BY id")

    said = held.run("from tests.engines.held import replace_writer; replace_writer()", held.told())

    assert said.split() == ["OperationalError", "Replaced", "PipelineStepFailed"]
    assert held.sql("SELECT id, xmin::text FROM {schema}.customer_raw ORDER BY id") == before
