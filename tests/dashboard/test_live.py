"""The one poll of a page: what it answers, to whom, and at which cost."""

import re

import pytest
from django.contrib.sessions.models import Session

from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.dashboard import live
from sequin_admin.health import cause_verbs, probes, rollup
from sequin_admin.health.models import Cause
from sequin_admin.limits import limiter, usage
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.syncs import catalogue
from tests.dashboard.conftest import address
from tests.factories import make_credential, make_oauth_app, make_synced

URL = "/badges/"
REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")
LIVE = re.compile(r'data-live="(\w+)=([^"]*)" data-state="([\w.]+)"')


def shown_parts(page: str) -> tuple[dict[str, list[str]], str]:
    """What the poll of this page asks, and its `If-None-Match`."""
    query: dict[str, list[str]] = {}
    found = LIVE.findall(page)
    for name, key, _ in found:
        query.setdefault(name, []).append(key)
    return query, '"' + "~".join(sorted(token for *_, token in found)) + '"'


def poll(client, page: str):
    query, tag = shown_parts(page)
    return client.get(URL, query, headers={"HX-Request": "true", "If-None-Match": tag})


@pytest.fixture
def credential(organization):
    app = make_oauth_app(organization, "hubspot")
    return make_credential(organization, "hubspot_oauth2", oauth_app=app)


PAGES = {
    "/credentials/": {"credential"},
    "/credentials/{pk}/": {"front"},
    "/credentials/{pk}/usage/": {"front", "gauge"},
    "/credentials/{pk}/syncs/": {"front", "collections"},
    "/worker/": {"worker"},
    "/": {"grid", "causes", "near_limit", "changes"},
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_shows_what_is_true_is_answered_304(
    owner, credential, path, django_assert_max_num_queries
):
    page = owner.get(path.format(pk=credential.pk)).content.decode()
    assert shown_parts(page)[0].keys() >= PAGES[path]

    with django_assert_max_num_queries(12):
        answer = poll(owner, page)

    assert (answer.status_code, answer.content) == (304, b"")


def test_only_what_has_changed_is_sent(owner, credential):
    page = owner.get(address("usage", credential.pk)).content.decode()
    limiter.acquire(credential)

    answer = poll(owner, page)

    html = answer.content.decode()
    assert answer.status_code == 200
    assert LIVE.findall(html)[0][:2] == ("gauge", str(credential.pk))
    assert 'hx-swap-oob="true"' in html
    assert "data-soon" in html
    assert 'id="health"' not in html
    assert answer["Cache-Control"] == "no-store"


def test_a_badge_that_turns_is_sent_and_asked_for_again(owner, organization, credential):
    other = make_credential(organization, "stripe_key")
    page = owner.get("/credentials/").content.decode()
    type(other).objects.filter(pk=other.pk).update(
        health_status="customer_intervention", health_note="The key was refused."
    )

    html = poll(owner, page).content.decode()

    assert [found[:2] for found in LIVE.findall(html)] == [("credential", str(other.pk))]
    assert "The key was refused." in html


def test_a_front_shows_that_it_has_changed(owner, credential):
    page = owner.get(address("credential", credential.pk)).content.decode()
    type(credential).objects.update(health_status="healthy", health_since=clock.now())

    assert "Everything works." in poll(owner, page).content.decode()


def test_a_cause_is_told_on_the_overview_and_on_its_page(owner, user, organization, credential):
    overview = owner.get("/").content.decode()
    others = [make_credential(organization, "hubspot_oauth2", identity=str(n)) for n in range(2)]
    for row in others:
        rollup.propagate(probes.record_probe(row, REVOKED))
    cause = Cause.objects.get()

    html = poll(owner, overview).content.decode()

    assert {found[0] for found in LIVE.findall(html)} == {"causes", "changes", "grid"}
    assert "HubSpot refuses 2 accounts" in html

    page = owner.get(f"/causes/{cause.pk}/").content.decode()
    cause_verbs.take(cause, user, actor=user)
    html = poll(owner, page).content.decode()
    assert [found[:2] for found in LIVE.findall(html)] == [("cause", str(cause.pk))]
    assert "is on it" in html


def test_a_row_of_the_incidents_is_kept_up_to_date(owner, organization, credential):
    other = make_credential(organization, "stripe_key")
    for row in (credential, other):
        rollup.propagate(probes.record_probe(row, REVOKED))
    page = owner.get("/incidents/").content.decode()
    assert poll(owner, page).status_code == 304

    rollup.propagate(probes.record_probe(other, outcomes.works()))
    html = poll(owner, page).content.decode()

    mended = Cause.objects.get(provider="stripe")
    assert [found[:2] for found in LIVE.findall(html)] == [("cause_row", str(mended.pk))]
    # A browser drops the row of a table that stands outside of one.
    assert re.search(r"<template>\s*<tr ", html)


def test_who_comes_near_the_limit_is_shown_without_a_reload(owner, credential):
    page = owner.get("/").content.decode()
    minute = usage.start_of(clock.now(), SamplePeriod.MINUTE)
    Sample.objects.create(
        credential=credential, span=SamplePeriod.MINUTE, at=minute, granted=99_999_999
    )

    html = poll(owner, page).content.decode()

    assert [found[0] for found in LIVE.findall(html)] == ["near_limit"]
    assert "Limits running hot" in html


def test_collections_are_asked_for_soon_while_they_are_read(owner, credential, user):
    catalogue.start_refresh(credential, actor=user)

    page = owner.get(address("credential_syncs", credential.pk)).content.decode()

    card = page[page.index('id="collections"') :]
    assert "data-soon" in card[: card.index(">")]


@pytest.mark.parametrize(
    "query", [{}, {"credential": "nonsense"}, {"front": "x:y"}, {"gauge": ""}, {"nothing": "1"}]
)
def test_what_is_not_there_is_not_asked_for_again(owner, query):
    answer = owner.get(URL, query)

    assert (answer.status_code, answer.content) == (286, b"")


def test_a_poll_asks_for_so_many_parts_at_most(owner, organization, monkeypatch):
    monkeypatch.setattr(live, "MAX_PARTS", 2)
    rows = [make_credential(organization, "stripe_key", identity=str(n)) for n in range(3)]

    answer = owner.get(URL, {"credential": [row.pk for row in rows], "grid": ""})

    assert [found[0] for found in LIVE.findall(answer.content.decode())] == ["credential"] * 2


def test_what_is_disabled_changes_no_more(owner, organization):
    off = make_credential(organization, "stripe_key", disabled_at=clock.now())

    assert owner.get(URL, {"credential": [off.pk]}).status_code == 286


def test_what_others_have_is_not_told(client, stranger, credential):
    _, target, _ = make_synced(credential)
    rollup.propagate(probes.record_probe(credential, REVOKED))
    client.force_login(stranger)
    for query in (
        {"credential": credential.pk},
        {"target": target.pk},
        {"front": f"credential:{credential.pk}"},
        {"gauge": credential.pk},
        {"collections": credential.pk},
        {"cause_row": Cause.objects.get().pk},
    ):
        answer = client.get(URL, query)

        assert (answer.status_code, answer.content) == (286, b"")


def test_a_poll_is_no_activity(owner, organization, credential):
    page = owner.get(address("usage", credential.pk)).content.decode()
    before = list(Session.objects.values()), Event.objects.count()

    answer = poll(owner, page)

    assert (list(Session.objects.values()), Event.objects.count()) == before
    assert not answer.cookies


def test_many_badges_take_as_many_queries_as_one(
    owner, organization, django_assert_max_num_queries
):
    for number in range(40):
        make_credential(organization, "stripe_key", identity=str(number))
    page = owner.get("/credentials/").content.decode()

    with django_assert_max_num_queries(7):
        assert poll(owner, page).status_code == 304
