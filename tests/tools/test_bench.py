"""`manage.py bench` with few rows and little time: every figure is there."""

import json

import pytest
from django.core.management import call_command
from django.db import connection

from sequin_admin.credentials.models import Credential
from sequin_admin.tools.benchmarks import (
    api,
    audit_log,
    claim_costs,
    hot,
    imports,
    load,
    lost_permits,
    prunes,
    rotation,
    run_claims,
    runs,
    token_read,
)
from sequin_admin.tools.benchmarks.fleet import fill
from sequin_admin.tools.management.commands import bench

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def forget_statistics(transactional_db):
    """So that later tests see the plans of a database of SQLite that was never analyzed."""
    yield
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            if "sqlite_stat1" in connection.introspection.table_names(cursor):
                cursor.execute("DELETE FROM sqlite_stat1")
                cursor.execute("ANALYZE sqlite_schema")


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(load, "TAKES_S", 0.1)
    for module in (load, api, bench, imports):
        monkeypatch.setattr(module, "ROUNDS", 1)
    monkeypatch.setattr(imports, "BULK_ROUNDS", 1)
    monkeypatch.setattr(imports, "BULK", 3)


def test_a_fleet_is_filled_up_in_every_state(organization):
    fill(organization, 10)
    fill(organization, 20)

    rows = Credential.objects.of(organization)
    assert rows.count() == 20
    assert rows.exclude(oauth_app=None).count() == 10
    assert set(rows.values_list("health_status", flat=True)) == {
        "",
        "healthy",
        "customer_intervention",
    }


def test_the_api_is_measured_beside_a_bare_view_and_over_lists_of_two_sizes(organization):
    figures = api.measure(organization, few=130, many=200)

    names = {"api_get", "api_token", "api_list_100", "api_list_100_unchanged", "api_permit"}
    assert {name for name, of in figures.items() if isinstance(of, dict) and "share" in of} == names
    for name in ("floor", *names):
        assert figures[name]["requests_per_s"] > 0
        assert figures[name]["p99_ms"] >= figures[name]["median_ms"] > 0
    assert figures["long_polls"]["ratio"] > 0
    assert figures["imports"].keys() == {"one_cpu_ms", "bulk_3_cpu_ms"}
    assert figures["lists"].keys() == {"rows_130", "rows_200"}
    assert {"sort=-created_at deep", "sort=name deep", "metadata of one first"} <= (
        figures["ratios"].keys()
    )


def test_a_slow_minute_of_the_machine_makes_no_response_look_late():
    """Each turn is as even as the others, whether it is twice as slow or not."""
    even = [0.010] * 98 + [0.015] * 2
    turns = [load.Turn(per_s=100, took=[each * slow for each in even]) for slow in (1, 1, 2)]

    assert hot.summarize(turns)["p99_to_median"] == 1.5


def test_a_run_is_compared_with_the_last_one(tmp_path):
    file, figures = tmp_path / "runs.jsonl", {"floor": {"requests_per_s": 9}, "get": {"share": 0.5}}

    first = runs.save(file, figures)
    second = runs.save(file, {"get": {"share": 0.75}, "new": {"share": 1}})

    assert first == "There is no earlier run to compare with."
    assert second == "get.share: 0.5 before, 0.75 now"
    kept = [json.loads(line)["figures"] for line in file.read_text().splitlines()]
    assert [each["get"]["share"] for each in kept] == [0.5, 0.75]


def test_figures_alone_stand_on_stdout(monkeypatch, capsys):
    figures = {"database": "x", "get": {"requests_per_s": 7, "share": 0.5}}
    monkeypatch.setattr(bench, "measure_in_own_database", lambda options: figures)

    call_command("bench")

    printed = capsys.readouterr()
    assert json.loads(printed.out) == figures
    assert {"requests_per_s", "get", "7", "0.5"} <= set(printed.err.split())


def test_what_a_list_finds_is_what_the_benchmark_thinks(organization, make_client):
    fill(organization, 100)
    client = make_client(organization)

    for name, asked in api.lists(client.client, 100).items():
        found = client.get(api.URL, **asked.query).json()["data"]
        assert len(found) == (asked.finds * 100 or 1), name


def test_pruning_is_timed_beside_a_writer(organization, monkeypatch):
    monkeypatch.setattr(prunes.pruning, "BATCH_SIZE", 10)
    # Whatever else the machine does.
    monkeypatch.setattr(prunes.pruning, "SLOW_S", 60)
    monkeypatch.setattr(prunes, "WRITE_EVERY_S", 0)

    figures = prunes.measure(organization, 100)

    for table in ("messages", "usage"):
        assert figures[table]["rows"] == 100
        assert figures[table]["transactions"] >= 10
        assert figures[table]["writes_beside"] > 0


def test_claims_in_turns_are_compared_with_ordered_ones(monkeypatch):
    monkeypatch.setattr(claim_costs, "ROUNDS", 2)

    figures = claim_costs.measure(400)

    assert {"renewals_of_1", "renewals_of_8", "probes_of_1", "probes_of_8"} <= figures.keys()


def test_keys_are_rotated_while_others_save(organization):
    figures = rotation.measure(organization, 20)

    assert figures["rows"] == 40
    assert figures["processor_s"] > 0
    assert figures["end"] == "0 rows left on the old key."


def test_a_ratio_is_to_the_first_page_of_few():
    before = {"sort=name": {"first": 10.0, "deep": 11.0}}
    after = {"sort=name": {"first": 12.0, "deep": 30.0}}

    assert api.ratios(before, after) == {"sort=name first": 1.2, "sort=name deep": 3.0}


def test_what_reads_every_row_has_no_ratio():
    assert api.ratios({}, {"search for one": {"first": 90.0}}) == {}


def test_a_page_is_too_slow_that_grows_by_more_than_a_third_and_a_millisecond():
    before = {"sort=name": {"first": 10.0}, "provider": {"first": 2.0}}
    after = {"sort=name": {"first": 12.9, "deep": 13.1}, "provider": {"first": 2.9, "deep": 3.1}}

    assert api.grown(before, after) == ["sort=name deep", "provider deep"]


def test_claims_of_runs_are_measured_while_all_are_due_and_while_none_is(db, monkeypatch):
    monkeypatch.setattr(run_claims, "ROUNDS", 2)

    figures = run_claims.measure(30)

    for state in ("all_due", "none_due"):
        assert figures[state].keys() == {"make_slots", "claim", "over_http"}
        assert figures[state]["claim"]["fastest_ms"] > 0


def test_what_is_lost_of_a_limit_is_the_time_beyond_whole_windows():
    """Ten calls every ten seconds; of the second window three came a second late."""
    window = [0.0] * 10
    prompt = [at + start for start in (100, 110, 120) for at in window]

    assert lost_permits.lost_share(prompt) == 0
    assert lost_permits.lost_share([*prompt[:20], *(at + 1 for at in prompt[20:])]) == 1 - 20 / 21
    assert lost_permits.lost_share([5.0] * 10) == 1


def test_token_reads_are_measured(organization):
    figures = token_read.measure_throughput(organization)

    assert figures["reads_per_s"] > 0
    assert figures["floor_per_s"] > 0


def test_pages_are_measured(organization, monkeypatch):
    monkeypatch.setattr(bench, "MANY", 30)
    monkeypatch.setattr(bench, "PAGES", {"list": ("/credentials/", 20), "overview": ("/", 10)})

    figures = bench.measure_pages(organization)

    assert figures["ratios"].keys() == {"list", "overview"}


def test_the_audit_log_is_written_sealed_and_verified(db):
    figures = audit_log.measure(60)

    assert (figures["verified"], figures["broken"]) == (60, 0)
