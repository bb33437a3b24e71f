"""Runs of syncs from a terminal."""

from tests.factories import make_credential, make_run, make_synced


def test_runs_are_listed_shown_and_cancelled(run, organization):
    credential = make_credential(organization, "stripe_key")
    sync, _, consumer = make_synced(credential, collection_ids=["stripe:customer"])
    one = str(make_run(consumer, sync).pk)

    assert "Invoices" in run("syncs", "runs", "--sync", sync.pk, "--status", "running").out
    assert run("syncs", "cancel", one, "--json").json["requests"][0]["kind"] == "cancel"
    assert "cancel" in run("syncs", "run", one).out
    assert "No runs." in run("syncs", "runs", "--status", "lost").err
    assert run("syncs", "run", sync.pk).code != 0


def test_a_sync_is_paused_resumed_and_read_again(run, organization):
    credential = make_credential(organization, "stripe_key")
    sync, _, _ = make_synced(credential, collection_ids=["stripe:customer"])

    assert run("syncs", "pause", sync.pk, "--json").json["paused"] is True
    assert "paused" in run("syncs", "schedule", sync.pk).out
    assert run("syncs", "resume", sync.pk, "--json").json["data"][0]["state"] == "due"
    assert run("syncs", "resync", sync.pk, "stripe:customer").code == 0
    assert run("syncs", "resync", sync.pk, "stripe:plan").code != 0
    refused = run("syncs", "confirm-deletes", sync.pk)
    assert "wait to be confirmed" in refused.err
