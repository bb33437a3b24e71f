"""The front and the tabs of a credential's page."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.tokens.lifetimes import is_renewable
from tests.conftest import make_member
from tests.factories import make_credential, make_oauth_app, make_synced


def text_of(answer):
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_neither_list_nor_page_says_of_a_renewed_token_that_it_stays(owner, organization):
    rows = [make_credential(organization, kind.slug) for kind in kinds.all()]
    renewed = [row for row in rows if is_renewable(row)]

    listed = owner.get("/credentials/").content.decode()
    said = [text_of(owner.get(f"/credentials/{row.pk}/token/")) for row in renewed]

    assert listed.count("does not expire") == 0
    assert [text for text in said if "with every call" in text] == []


def test_a_check_that_is_late_is_due_and_not_the_next_one(owner, organization):
    late = clock.now() - timedelta(minutes=5)
    row = make_credential(organization, "stripe_key", checked_at=late, check_due_at=late)

    for path in (f"/credentials/{row.pk}/", f"/health/credential/{row.pk}/"):
        text = text_of(owner.get(path)).replace(" ,", ",")
        assert "5 min ago, due 5 min ago" in text


TABS = ("", "token/", "usage/", "syncs/", "use/", "history/", "danger/")


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_asks_only_what_it_shows(
    owner, organization, user, tab, django_assert_max_num_queries
):
    app = make_oauth_app(organization, "hubspot", health_status="sequin_intervention")
    columns = {"oauth_app": app, "health_status": "sequin_intervention"}
    row = make_credential(organization, "hubspot_oauth2", **columns)
    make_synced(row)
    for number in range(30):
        credential_operations.update_details(row, name=f"Renamed {number}", actor=user)

    # The first visit also writes into the session that it was viewed, in a transaction of its own.
    with CaptureQueriesContext(connection) as first:
        owner.get(f"/credentials/{row.pk}/{tab}")
    assert sum("SAVEPOINT" not in each["sql"] for each in first) <= 12 + 1

    with django_assert_max_num_queries(12):
        answer = owner.get(f"/credentials/{row.pk}/{tab}")

    page, said = answer.content.decode(), text_of(answer)
    for part in ("Whose move", "Ours", "1 sync", "1 consumer", "Open the OAuth app"):
        assert part in said
    assert page.count("btn-primary") == 1
    front = page[page.index('id="health"') :]
    assert f'data-live="front=credential:{row.pk}"' in front[: front.index(">")]
    (here,) = re.findall(
        r'<a href="([^"]+)" aria-current="page">', page[page.index('class="tabs"') :]
    )
    assert here == f"/credentials/{row.pk}/{tab}"


def test_a_viewer_sees_no_danger_and_no_step(client, organization):
    row = make_credential(organization, "stripe_key")
    client.force_login(make_member(organization, "v@arrakis.test", "viewer"))

    page = client.get(f"/credentials/{row.pk}/").content.decode()

    assert "/danger/" not in page
    assert "data-actions" not in page
    assert client.get(f"/credentials/{row.pk}/danger/").status_code == 403
