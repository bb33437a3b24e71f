"""The page about workers and their jobs."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.health.models import WorkerProcess
from sequin_admin.health.workers import STALE_AFTER
from sequin_admin.tokens import endpoints
from sequin_admin.tokens.models import Purpose
from tests.factories import make_credential
from tests.redis_server import RedisServer

DONE = {"done": 4120, "failed": 0, "ran_at": None, "error": "", "error_at": None}


@pytest.fixture
def page(client, user):
    client.force_login(user)

    def get(**headers):
        return client.get("/worker/", headers=headers).content.decode()

    return get


def make_worker(**columns):
    columns = {"jobs": {"renew": DONE, "probe": DONE}, **columns}
    return WorkerProcess.objects.create(hostname="arrakis", pid=7, threads=8, **columns)


def test_without_a_worker_it_says_what_that_means_and_what_to_do(page):
    said = page()

    assert "No worker is running" in said
    assert "nothing is probed" in said
    assert "manage.py worker" in said


def test_a_worker_is_running_stopping_or_gone(page):
    row = make_worker()
    assert "Running" in page()
    assert "No worker is running" not in page()

    row.stopping = True
    row.save()
    assert "Stopping" in page()

    row.beat_at = clock.now() - STALE_AFTER
    row.save()
    assert "Gone" in page()
    assert "No worker is running" in page()


def test_the_last_error_is_told_with_its_job(page):
    error = {"error": "It failed with OSError.", "error_at": clock.now().isoformat()}
    make_worker(jobs={"renew": DONE, "probe": DONE | error})

    said = " ".join(page().split())

    assert "Probe credentials, " in said
    assert "It failed with OSError." in said


def test_a_job_that_is_behind_says_so_until_it_is_on_time(page, organization):
    make_worker()
    late = clock.now() - timedelta(minutes=5)
    credential = make_credential(organization, "stripe_key", check_due_at=late)
    said = page()
    assert (said.count("Behind"), said.count("On time")) == (1, 1)

    credential.check_due_at = clock.now() + timedelta(hours=1)
    credential.save()

    said = page()
    assert (said.count("Behind"), said.count("On time")) == (0, 2)


def test_only_rows_of_the_own_organization_count(page, organization, stranger):
    make_worker()
    late = clock.now() - timedelta(hours=1)
    make_credential(stranger.memberships.get().organization, "stripe_key", check_due_at=late)
    assert "Behind" not in page()

    make_credential(organization, "stripe_key", check_due_at=late)
    assert "Behind" in page()


def test_what_was_done_for_all_organizations_is_shown_to_staff_only(page, user):
    make_worker()
    assert "4,120" not in page()

    user.is_staff = True
    user.save()

    assert "4,120" in page()


def test_it_names_who_does_not_answer_to_whom_it_concerns(page, organization, stranger):
    """A host may be a customer's."""
    own = make_credential(organization, "servicenow_client_credentials")
    other = stranger.memberships.get().organization
    theirs = make_credential(other, "auth0_client_credentials")
    for row in (own, theirs):
        endpoints.record_call(Purpose.RENEW, row, answered=False)

    said = page()

    assert "Who does not answer" in said
    assert own.properties["instance_url"] in said
    assert theirs.properties["domain"] not in said


def test_who_does_not_answer_is_asked_for_together(
    page, organization, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(endpoints, "ASKED_AT_ONCE", 4)
    make_worker()
    urls = [f"https://tabr{number}.service-now.com" for number in range(3)]
    for url in urls:
        place = {"properties": {"instance_url": url}, "identity": url}
        row = make_credential(organization, "servicenow_client_credentials", **place)
        for purpose in Purpose:
            endpoints.record_call(purpose, row, answered=False)

    with django_assert_max_num_queries(12):
        said = page()

    # By name, and in the words for those who do not see the row.
    assert {url: said.count(url) for url in urls} == dict.fromkeys(urls, 4)


def test_a_store_of_permits_that_may_forget_is_named(page, settings):
    with RedisServer("--appendonly", "no") as server:
        settings.REDIS_URL = server.url

        assert "Redis keeps no append-only file" in page()


def test_a_store_of_permits_that_is_away_is_named(page, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    assert "Redis could not be asked" in page()


def test_of_a_store_that_keeps_all_nothing_is_said(page, in_redis):
    assert "Redis" not in page()
