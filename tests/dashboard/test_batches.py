"""Bulk actions: asked on a page, done by the worker, withdrawn, and back to the list as it was."""

import html
import re
from datetime import timedelta

import pytest

from sequin_admin.access.models import Membership
from sequin_admin.audit.models import Event
from sequin_admin.connect import batches, links
from sequin_admin.connect.models import Batch, BatchAction, ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.views import credential_list
from sequin_admin.limits.models import RateLimit
from tests.conftest import make_member
from tests.dashboard.conftest import address
from tests.factories import make_credential

BROKEN = {"health_status": "customer_intervention"}
RATE = {"allowed_requests": "7", "interval": "1000", "max_concurrent_requests": "2"}


@pytest.fixture
def broken(organization):
    return [
        make_credential(organization, "stripe_key", identity=f"acct_{i}", name=f"N{i:02}", **BROKEN)
        for i in range(22)
    ]


def bulk(query, page="connect_links_bulk"):
    return f"{address(page)}?{query}"


def ticked(credentials):
    return "&".join(f"credential={credential.pk}" for credential in credentials)


def confirm(client, url, **more):
    """Open the page and press its button."""
    page = client.get(url).content.decode()
    count = re.search(r'name="count" value="(\d+)"', page)[1]
    return client.post(url, {"count": count, "days": "3", **more})


def work():
    """What the worker does until nothing is left."""
    while claimed := batches.claim_due(1):
        for batch in claimed:
            batches.work_claimed(batch)


def test_the_page_says_what_for_whom_and_until_when(owner, broken):
    page = owner.get(bulk("all=1&health=customer_intervention")).content.decode()

    assert "Create reconnect links for 22 credentials" in page
    assert all(f">{credential.name}</a>" in page for credential in broken[:20])
    assert broken[20].name not in page
    assert "and 2 more" in page
    ends = clock.now() + timedelta(days=7)
    assert f"until {ends:%-d %b %Y}" in page
    assert not ConnectLink.objects.exists()


def test_the_worker_makes_the_links_and_the_list_is_as_before(owner, organization, user, broken):
    ours = make_credential(
        organization, "sendgrid_key", name="Ours", health_status="sequin_intervention"
    )
    query = f"{ticked([*broken[:2], ours])}&health=customer_intervention&sort=name"

    answer = confirm(owner, bulk(query))

    batch = Batch.objects.get()
    assert answer["Location"] == address("batch", batch.pk)
    assert not ConnectLink.objects.exists()
    assert "every 2s" in owner.get(answer["Location"]).content.decode()
    work()
    page = owner.get(answer["Location"]).content.decode()
    made = ConnectLink.objects.filter(batch=batch.pk)
    assert {link.reconnects_id for link in made} == {row.pk for row in broken[:2]}
    assert {(link.expires_at - link.created_at).days for link in made} <= {2, 3}
    assert "<strong>2 of 3</strong>" in page
    assert "Ours waits for us" in page
    assert "?health=customer_intervention&amp;sort=name" in page
    assert "every 2s" not in page
    assert Event.objects.of(organization.pk).filter(action="batch.started").count() == 1


def test_the_list_selects_all_that_match_over_its_pages(owner, broken, monkeypatch):
    monkeypatch.setattr(credential_list, "ROWS", 5)
    url = "/credentials/?health=customer_intervention"
    page = owner.get(url).content.decode()
    [offered] = re.findall(r'id="select-all" href="([^"]+)"', page)
    assert "select all 22 that match" in " ".join(page.split())

    chosen = owner.get("/credentials/" + html.unescape(offered)).content.decode()

    assert "All 22 that match are selected" in " ".join(chosen.split())
    assert chosen.count("checked disabled") == 5
    assert '<input type="hidden" name="all" value="1">' in chosen
    [cleared] = re.findall(r'id="select-all" href="([^"]+)"', chosen)
    assert cleared == "?health=customer_intervention"


def test_all_that_match_are_meant_whatever_their_number(owner, organization, broken, monkeypatch):
    monkeypatch.setattr(batches, "PIECES", 5)
    make_credential(organization, "stripe_key", name="Healthy", health_status="healthy")

    confirm(owner, bulk("all=1&health=customer_intervention"))
    work()

    assert {link.reconnects_id for link in ConnectLink.objects.all()} == {c.pk for c in broken}


def test_a_list_that_changed_before_the_button_is_asked_again(owner, broken, organization):
    url = bulk("all=1")
    page = owner.post(url, {"count": "21", "days": "3"})

    assert page.status_code == 422
    assert "the list is another one now, with 22" in " ".join(page.content.decode().split())
    assert not Batch.objects.exists()


def test_the_page_sent_again_starts_no_second_batch(owner, organization, broken):
    url = bulk("all=1")
    page = owner.get(url).content.decode()
    sent = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("count", "batch")
    }
    first = owner.post(url, sent | {"days": "3"})
    work()
    again = owner.post(url, sent | {"days": "7"})

    assert again.url == first.url
    assert Batch.objects.count() == 1
    assert ConnectLink.objects.count() == len(broken)


@pytest.mark.parametrize("page", ["connect_links_bulk", "limits_bulk"])
def test_ticking_nothing_or_what_is_of_others_does_nothing(owner, stranger, page):
    theirs = make_credential(stranger.organizations.get(), "stripe_key", **BROKEN)

    for query in ("", ticked([theirs])):
        answer = owner.get(bulk(query, page), follow=True)
        assert "Tick the credentials" in answer.content.decode()
        owner.post(bulk(query, page), {"count": "1", "days": "3", **RATE})
    assert not Batch.objects.exists()


def test_many_limits_are_set_by_the_worker_and_audited(owner, organization, broken):
    other = make_credential(organization, "sendgrid_key")
    url = bulk("all=1&provider=stripe", "limits_bulk")

    bad = confirm(owner, url, **{**RATE, "interval": "1"})
    confirm(owner, url, **RATE)
    assert not RateLimit.objects.exists()
    work()

    assert bad.status_code == 422
    assert set(RateLimit.objects.values_list("allowed_requests", flat=True)) == {7}
    assert not RateLimit.objects.filter(credential=other).exists()
    assert Event.objects.filter(action="rate_limit.changed").count() == len(broken)
    assert "7 per second" in owner.get(address("batch", Batch.objects.get().pk)).content.decode()


def test_a_batch_stops_when_its_maker_loses_the_right(organization, broken, monkeypatch):
    maker = make_member(organization, "duncan@arrakis.test", "member")
    monkeypatch.setattr(batches, "PIECES", 3)
    rows = Credential.objects.of(organization).order_by("name")
    batches.start(organization, rows, BatchAction.RECONNECT, actor=maker, options={"days": 1})
    (claimed,) = batches.claim_due(1)
    batches.work_claimed(claimed)

    Membership.objects.filter(user=maker).update(role="viewer")
    work()

    batch = Batch.objects.get()
    assert ConnectLink.objects.count() == 3
    assert "You may no longer" in batch.failure
    assert batch.finished_at


def test_withdrawing_ends_what_is_open_and_nothing_else(owner, organization, broken, monkeypatch):
    monkeypatch.setattr(batches, "PIECES", 4)
    confirm(owner, bulk(ticked(broken[:8])))
    batch = Batch.objects.get()
    batches.work_claimed(*batches.claim_due(1))
    used = ConnectLink.objects.first()
    links.complete(used, used.reconnects)
    alone = links.create_reconnect(organization, broken[9], actor=None)
    asked = " ".join(owner.get(address("batch_withdraw", batch.pk)).content.decode().split())
    assert "3 connect links lead nowhere any more:" in asked
    assert "4 links that are not made yet." in asked
    assert "1 credential stays connected:" in asked
    assert "Withdraw 3 connect links</button>" in asked

    owner.post(address("batch_withdraw", batch.pk))
    work()

    of_batch = [link.state for link in ConnectLink.objects.filter(batch=batch.pk)]
    assert sorted(of_batch) == [LinkState.COMPLETED, *[LinkState.REVOKED] * 3]
    assert ConnectLink.objects.get(pk=alone.pk).is_open
    page = owner.get(address("batch", batch.pk)).content.decode()
    assert "Withdrawn" in page
    assert "Withdraw this batch" not in page


def test_one_piece_that_breaks_is_said_and_the_others_are_done(owner, broken, monkeypatch):
    make = links.create_reconnects

    def create_reconnects(organization, credentials, **more):
        if broken[0] in credentials:
            raise RuntimeError("what no page may say")
        return make(organization, credentials, **more)

    monkeypatch.setattr(links, "create_reconnects", create_reconnects)
    confirm(owner, bulk(ticked(broken[:3])))
    work()

    page = owner.get(address("batch", Batch.objects.get().pk)).content.decode()
    assert ConnectLink.objects.count() == 2
    assert "It failed here, on our side" in page.replace("&#x27;", "'")
    assert "what no page may say" not in page


def test_another_process_has_taken_the_batch(organization, user, broken):
    rows = Credential.objects.of(organization)
    batches.start(organization, rows, BatchAction.RECONNECT, actor=user, options={"days": 1})
    (former,) = batches.claim_due(1)
    Batch.objects.update(lease_until=clock.now().replace(year=2020))
    (now,) = batches.claim_due(1)

    batches.work_claimed(former)
    assert not ConnectLink.objects.exists()
    batches.work_claimed(now)
    assert ConnectLink.objects.count() == len(broken)
