"""The list of causes, and the page of one."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import caches

from sequin_admin.audit.models import record_change
from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.core.words import format_exact_time
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard import cause_timeline
from sequin_admin.dashboard.cause_page import count_links, count_recent
from sequin_admin.health import cause_verbs, probes, rollup
from sequin_admin.health import fleet as fleets
from sequin_admin.health.models import Cause, CauseNote
from sequin_admin.notifications.models import Channel
from tests.due_work import notify
from tests.factories import make_credential, make_oauth_app

REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")


def see(rows, outcome):
    for row in rows:
        found = Credential.objects.select_related("oauth_app").get(pk=row.pk)
        rollup.propagate(probes.record_probe(found, outcome))


@pytest.fixture
def fleet(organization):
    app = make_oauth_app(organization, "hubspot")
    return [
        make_credential(
            organization, "hubspot_oauth2", oauth_app=app, identity=str(n), name=f"Sietch {n}"
        )
        for n in range(4)
    ]


@pytest.fixture
def cause(fleet):
    see(fleet, REVOKED)
    return Cause.objects.get()


def text(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_what_happened_who_was_told_and_what_was_done(owner, fleet, cause, user):
    Channel.objects.create(
        organization=cause.organization, kind="mail", name="On call", address="ops@arrakis.test"
    )
    notify()
    links.create_reconnect(cause.organization, fleet[0], actor=user)
    url = f"/causes/{cause.pk}/"
    owner.post(f"{url}take/")
    owner.post(f"{url}notes/", {"text": "Ticket <4711>"})
    see(fleet[:1], outcomes.works())

    page = re.sub(r"\s+", " ", text(owner, url))

    for words in (
        *("HubSpot refuses 3 accounts", "Customer must act", "3 open", "of 4"),
        *("Growing: in the last 10 min 4 began and 1 ended.", "paul@arrakis.test is on it"),
        *("Cause: taken by paul@arrakis.test", "Ticket &lt;4711&gt;", "1 reconnect link since"),
        *("4 accounts failed their checks", "HubSpot refuses 4 accounts: customers must act"),
    ):
        assert words in page, words
    affected = page[page.index('id="affected"') : page.index('id="timeline"')]
    assert "Sietch 3" in affected
    assert ">Sietch 0<" not in affected
    assert ">Sietch 0<" in text(owner, f"{url}?show=all")
    found = text(owner, f"{url}?q=3")
    assert "Sietch 2" not in found[found.index('id="affected"') : found.index('id="timeline"')]


def test_the_timeline_has_each_check_at_its_second_and_folds_many(owner, organization, monkeypatch):
    monkeypatch.setattr(cause_timeline, "SHOWN", 4)
    rows = [make_credential(organization, "stripe_key", identity=str(n)) for n in range(6)]
    began = clock.now() - timedelta(minutes=10)
    for number, row in enumerate(rows):
        with clock.at(began + timedelta(seconds=number)):
            see([row], REVOKED)
    with clock.at(began + timedelta(minutes=1)):
        see(rows[:2], outcomes.works())
    cause = Cause.objects.get()
    owner.post(f"/causes/{cause.pk}/take/")

    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text(owner, f"/causes/{cause.pk}/")))

    timeline = page[page.index("Timeline") :]
    taken, many = "Cause: taken by paul@arrakis.test", "6 accounts failed their checks, 2 accounts"
    assert 0 < timeline.index(taken) < timeline.index(f"{many} are over")
    assert "2 more failed their checks until then" in timeline
    assert f"failed its check {format_exact_time(began + timedelta(seconds=5))}" in timeline
    assert timeline.count("failed its check ") == 4


def test_what_was_done_while_it_lasted_is_not_pushed_out_by_what_came_after(
    owner, user, cause, fleet, monkeypatch
):
    monkeypatch.setattr(cause_timeline, "ACTS", 4)
    record_change(fleet[0], "credential.changed", user)
    see(fleet, outcomes.works())
    with clock.at(clock.now() + timedelta(hours=1)):
        for row in fleet:
            record_change(row, "credential.disabled", user)
        page = text(owner, f"/causes/{cause.pk}/")

    timeline = page[page.index('id="timeline"') :]
    assert "Credential: changed by" in timeline
    assert "Credential: disabled" not in timeline


def test_what_others_named_is_text_in_markdown(owner, fleet):
    Credential.objects.filter(pk=fleet[0].pk).update(name="[x](https://evil.test)")
    see(fleet[:1], REVOKED)

    page = text(owner, f"/causes/{Cause.objects.get().pk}/")

    assert r"\[x\](https://evil.test)" in page


def test_a_note_needs_a_text(owner, cause):
    answer = owner.post(f"/causes/{cause.pk}/notes/", {"text": " "})

    assert answer.status_code == 422
    assert "Write something first." in answer.content.decode()
    assert not CauseNote.objects.exists()


def test_its_mute_leads_back_to_it_by_what_it_says(owner, cause):
    page = text(owner, f"/causes/{cause.pk}/mute/")

    assert f'<a href="/causes/{cause.pk}/">HubSpot refuses 4 accounts</a>' in page


def test_a_mute_that_is_over_is_not_shown(owner, cause):
    owner.post(f"/causes/{cause.pk}/mute/", {"until": "8"})
    assert "Muted" in text(owner, "/")
    Cause.objects.update(muted_until=clock.now() - timedelta(minutes=1))

    for url in ("/", "/incidents/", f"/causes/{cause.pk}/"):
        assert "Muted" not in text(owner, url)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        *(("", True), ("?state=all", True), ("?state=resolved", False), ("?who=us", False)),
        *(("?who=customers&when=30d", True), ("?when=yesterday", False), ("?when=x", False)),
        *(("?q=revoked", True), ("?q=code:invalid_grant+who:customers", True)),
        *(("?q=provider:stripe", False), ("?q=who:me", False), ("?q=owner:paul", False)),
        ("?sort=-size&page=9", True),
    ],
)
def test_the_list_is_narrowed(owner, cause, query, found):
    assert ("HubSpot refuses 4 accounts" in text(owner, f"/incidents/{query}")) is found


def test_the_list_is_downloaded(owner, cause):
    answer = owner.get("/incidents/?format=csv")

    rows = b"".join(answer.streaming_content).decode().splitlines()
    assert rows[0].startswith("id,what,provider,code,status")
    assert "HubSpot refuses 4 accounts,hubspot,invalid_grant" in rows[1]


def test_pages_of_causes_ask_little(owner, cause, django_assert_max_num_queries):
    for url in (f"/causes/{cause.pk}/", "/incidents/", f"/credentials/?cause={cause.pk}"):
        owner.get(url)
        with django_assert_max_num_queries(12):
            owner.get(url)


def test_how_a_young_cause_grows_is_not_counted_row_by_row(organization, django_assert_num_queries):
    see([make_credential(organization, "stripe_key", identity=str(n)) for n in range(3)], REVOKED)
    cause, hour = Cause.objects.get(), timedelta(hours=1)

    with django_assert_num_queries(0):
        assert count_recent(cause, cause.opened_at - hour) == (3, 0)
        assert count_recent(cause, cause.latest_at + hour) == (0, 0)
    see(Credential.objects.all()[:1], outcomes.works())
    cause.refresh_from_db()
    assert count_recent(cause, cause.opened_at - hour) == (3, 1)


def test_the_links_of_a_large_cause_are_not_counted_each_time(
    cause, fleet, user, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(fleets, "LARGE_FLEET", 4)
    links.create_reconnect(cause.organization, fleet[0], actor=user)
    counted = count_links(cause)

    with django_assert_num_queries(0):
        assert count_links(cause) == counted == {"made": 1, "mailed": 0, "completed": 0}
    monkeypatch.setattr(fleets, "LARGE_FLEET", 5)
    caches["local"].clear()
    for _ in range(2):
        with django_assert_num_queries(1):
            count_links(cause)


def test_a_mass_failure_that_ends_shrinks_though_it_began_within_the_hour(owner, cause, fleet):
    begun = cause.opened_at
    with clock.at(begun + timedelta(minutes=20)):
        see(fleet[:3], outcomes.works())
        page = text(owner, f"/causes/{cause.pk}/")

    assert "Shrinking: in the last 10 min 0 began and 3 ended." in page


def test_what_is_over_asks_nobody_to_act(owner, cause, fleet):
    owner.post(f"/causes/{cause.pk}/take/")
    see(fleet, outcomes.works())

    page, front = text(owner, f"/causes/{cause.pk}/"), text(owner, "/")

    assert "It had begun with this: HubSpot revoked it." in page
    assert "is on it" not in page
    over = front[front.index("Over: HubSpot refused 4 accounts") :]
    assert "It had begun with this: HubSpot revoked it." in over[: over.index("</tr>")]


def test_since_when_and_until_when_are_times_of_the_day(owner, user, cause):
    user.time_zone = "Asia/Tokyo"
    user.save()
    with clock.at(datetime(2027, 3, 4, 3, 15, tzinfo=UTC)):
        Cause.objects.update(opened_at=clock.now() - timedelta(minutes=22))
        cause_verbs.mute(cause, until=clock.now() + timedelta(hours=13), actor=user)
        line = re.sub(r"<[^>]+>|\s+", " ", text(owner, "/"))

    assert re.search(r"HubSpot refuses 4 accounts +since +11:53 ", line)
    assert re.search(r"Muted\s+until +5 Mar, 01:15 ", line)
