"""The health pages: content, access and number of queries."""

import re

import pytest

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes, rollup
from sequin_admin.health.models import Check
from tests.factories import make_credential, make_oauth_app, make_synced

REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")
REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")


@pytest.fixture
def credential(organization):
    app = make_oauth_app(organization, "hubspot", name="Ornithopter")
    row = make_credential(organization, "hubspot_oauth2", oauth_app=app, name="Caladan")
    see(row, outcomes.works())
    return row


@pytest.fixture
def sync(credential):
    return make_synced(Credential.objects.get())[0]


def see(credential, outcome):
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    rollup.propagate(probes.record_probe(row, outcome))


def text(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_page_of_a_sync_leads_down_to_the_cause(owner, sync, credential):
    see(credential, REJECTED)

    html = owner.get(f"/health/sync/{sync.pk}/").content.decode()

    links = [f"/credentials/{credential.pk}/", f"/oauth-apps/{credential.oauth_app_id}/"]
    assert html.index(links[0]) < html.index(links[1])
    assert f"/health/oauth_app/{credential.oauth_app_id}/" in html
    assert "Go to the cause" in html


def test_each_check_shows_its_result_and_the_redacted_answer(owner, credential):
    see(credential, REVOKED)
    Check.objects.filter(check_name="authentication").update(
        evidence={"status": 400, "body": '{"error": "invalid_grant"}', "request_id": "req-1"}
    )

    said = text(owner, f"/health/credential/{credential.pk}/")

    assert "HubSpot revoked it. Connect again." in said
    assert "HTTP 400, request req-1" in said
    assert "Scopes" in said


def test_only_those_who_may_edit_read_the_body_of_an_answer(owner, viewer, credential, client):
    see(credential, REVOKED)
    Check.objects.filter(check_name="authentication").update(
        evidence={"status": 400, "body": "melange", "request_id": "req-1"}
    )
    pages = [f"/health/credential/{credential.pk}/", f"/credentials/{credential.pk}/"]
    assert all("melange" in text(owner, page) for page in pages)

    client.force_login(viewer)
    for page in pages:
        said = text(client, page)
        assert "melange" not in said
        assert "HTTP 400, request req-1" in said


def test_the_past_has_a_text_beside_its_picture(owner, credential):
    see(credential, REVOKED)

    html = owner.get(f"/health/credential/{credential.pk}/").content.decode()

    assert re.search(r'aria-label="Last 90 days: healthy [\d.]+ % of the known time', html)
    assert html.count('class="bar-') + html.count('fill="url(#unknown-') == 48 + 90
    assert "Customer must act" in html


@pytest.mark.parametrize("entity", ["credential", "oauth_app", "sync", "consumer", "target"])
def test_every_watched_thing_has_its_page(owner, sync, credential, entity):
    consumer = sync.all_consumers().get()
    ids = {
        "credential": credential.pk,
        "oauth_app": credential.oauth_app_id,
        "sync": sync.pk,
        "consumer": consumer.pk,
        "target": consumer.target_id,
    }

    assert "Health of" in text(owner, f"/health/{entity}/{ids[entity]}/")


def test_an_unknown_sort_of_thing_is_404(owner, credential):
    assert owner.get(f"/health/provider/{credential.pk}/").status_code == 404


def test_incidents_are_filtered_by_whose_move_it_is(owner, credential):
    see(credential, REVOKED)

    assert "HubSpot revoked it." in text(owner, "/incidents/?who=customers")
    assert "HubSpot revoked it." not in text(owner, "/incidents/?who=us")


def test_pages_of_health_ask_little(owner, sync, credential, django_assert_max_num_queries):
    see(credential, REJECTED)
    of_sync = (f"/health/sync/{sync.pk}/", f"/syncs/{sync.pk}/", f"/syncs/{sync.pk}/history/")
    for url in (*of_sync, f"/health/credential/{credential.pk}/", "/incidents/?state=all"):
        # The first visit also writes into the session that it was viewed.
        owner.get(url)
        with django_assert_max_num_queries(12):
            owner.get(url)
