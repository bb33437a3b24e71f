"""One bad provider and one big organization take nothing from the others."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, http, turns
from sequin_admin.core.turns import Turns
from sequin_admin.credentials.kinds import RefreshPace
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.health import outages, probe_claims, probes, workers
from sequin_admin.health.models import WorkerProcess
from sequin_admin.notifications import delivery
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.syncs import catalogue
from sequin_admin.syncs.models import Refresh
from sequin_admin.tokens import endpoints, renewal, renewal_leases
from sequin_admin.tokens.endpoints import Capacity
from sequin_admin.tokens.models import Purpose, SilentEndpoint, Token
from tests.factories import make_credential, make_oauth_app

HOUR = timedelta(hours=1)
MODULES = (renewal_leases, probe_claims, delivery, catalogue)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _from_the_beginning(monkeypatch):
    """Every process begins somewhere else."""
    for module in MODULES:
        monkeypatch.setattr(module.TURNS, "after", "")
        monkeypatch.setattr(module.TURNS, "served", {})


@pytest.fixture
def make_due():
    """Credentials with a token that is due, and a probe and a schema read that are."""

    def make(organization, slug, count, *, ago=HOUR, app=None, **columns):
        made = []
        for number in range(count):
            row = make_credential(
                organization,
                slug,
                oauth_app=app,
                identity=f"{organization.pk} {slug} {app} {number}",
                check_due_at=clock.now() - ago,
                **columns,
            )
            Token.objects.create(credential=row, refresh_at=clock.now() - ago)
            Refresh.objects.create(credential=row, queue=row.queue_name)
            made.append(row)
        return made

    return make


def make_organization(name):
    return Organization.objects.create(name=name, slug=name)


def post(organization, channels, each):
    """Deliveries that are due, those of the first channel first."""
    for number in range(channels):
        channel = Channel.objects.create(
            organization=organization, kind="mail", name="Mail", address=f"{number}@sietch.test"
        )
        Delivery.objects.bulk_create(
            Delivery(
                organization=organization,
                channel=channel,
                type="test",
                severity="info",
                ordering_key=f"{channel.pk} {each_number}",
                notice={},
            )
            for each_number in range(each)
        )


def renew_kinds(limit, capacity):
    return [lease.token.credential.kind for lease in renewal_leases.claim_due(limit, capacity)]


def probe_kinds(limit, capacity):
    return [row.kind for row in probe_claims.claim_due(limit, capacity)]


CLAIMS = {
    "renew": lambda limit: [lease.token.pk for lease in renewal_leases.claim_due(limit)],
    "probe": lambda limit: [row.pk for row in probe_claims.claim_due(limit)],
    "refresh_collections": lambda limit: [row.pk for row in catalogue.claim_due(limit)],
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_organizations_take_turns(organization, make_due, claim):
    """The small ones came last, and get their share of the first two claims."""
    make_due(organization, "auth0_client_credentials", 12, ago=2 * HOUR)
    small = [
        row.pk
        for name in ("atreides", "corrino")
        for row in make_due(make_organization(name), "auth0_client_credentials", 1)
    ]

    claimed = claim(6) + claim(6)

    assert set(small) <= set(claimed)
    assert len(claimed) > len(small)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_no_turn_is_longer_for_having_many_queues(organization, make_due, claim):
    for slug in (
        "auth0_client_credentials",
        "servicenow_client_credentials",
        "marketo_client_credentials",
    ):
        make_due(organization, slug, 3, ago=2 * HOUR)
    small = [
        row.pk for row in make_due(make_organization("atreides"), "auth0_client_credentials", 3)
    ]

    claimed = [pk for _ in range(3) for pk in claim(2)]

    assert set(small) <= set(claimed)


def test_deliveries_take_turns(organization):
    post(organization, channels=5, each=4)
    other = make_organization("atreides")
    post(other, channels=1, each=2)

    claimed = delivery.claim_due(4)

    assert [row.organization_id for row in claimed].count(other.pk) == 2


def take_one(turns, due):
    """`take` of a claim that leaves the rows as they are, by the queues that were served."""

    def take(queues, most):
        return [queue for queue, share in turns.share_out(queues, most).items() if share]

    return lambda: turns.claim(due, 1, take)[0]


def test_who_was_served_longest_ago_is_next(organization, make_due):
    owners = [organization, make_organization("atreides"), make_organization("corrino")]
    for owner in owners:
        make_due(owner, "stripe_key", 3)
    claim = take_one(Turns(), Credential.objects.check_due())

    served = [claim() for _ in range(6)]

    assert len({*served[:3]}) == 3
    assert served[3:] == served[:3]


@pytest.mark.parametrize("looked_at", [1, 2, 3, 64])
def test_queues_that_are_not_all_looked_at_in_one_claim_take_turns(
    organization, make_due, monkeypatch, looked_at
):
    monkeypatch.setattr(turns, "LISTED", looked_at)
    for slug in ("stripe_key", "sendgrid_key", "airtable_oauth2", "hubspot_oauth2"):
        make_due(organization, slug, 1)
    for name in ("atreides", "corrino", "vernius"):
        make_due(make_organization(name), "stripe_key", 1)
    claim = take_one(Turns(), Credential.objects.check_due())

    served = Counter(claim() for _ in range(70))

    assert len(served) == 7
    assert min(served.values()) >= 10 - 1


OWNERS = {
    "renew": lambda capacity: [
        lease.token.credential.organization_id for lease in renewal_leases.claim_due(2, capacity)
    ],
    "probe": lambda capacity: [row.organization_id for row in probe_claims.claim_due(2, capacity)],
}


@pytest.mark.parametrize("owners_claimed", OWNERS.values(), ids=OWNERS)
@pytest.mark.parametrize("begins_at", ["first", "second", "third"])
def test_the_only_call_a_provider_may_get_goes_to_each_in_time(
    organization, make_due, monkeypatch, owners_claimed, begins_at
):
    """Wherever the process begins: whom a claim finds no room for keeps its turn."""
    for owner in (organization, make_organization("atreides"), make_organization("corrino")):
        make_due(owner, "auth0_client_credentials", 20)
    queues = sorted({row.queue for row in Credential.objects.all()})
    for module in MODULES:
        after = dict(zip(("second", "third", "first"), queues, strict=True))[begins_at]
        monkeypatch.setattr(module.TURNS, "after", after)
    claimed = []

    for _ in range(21):
        claimed += owners_claimed(Capacity(threads=2))
        for model in (Credential, Token):
            model.objects.update(lease_until=None)

    assert [*Counter(claimed).values()] == [7, 7, 7]


@pytest.mark.postgresql
def test_a_claim_does_not_read_past_the_rows_of_others(organization, make_due):
    """All due at one time, the others' first: the index on the due time alone would do that."""
    make_due(organization, "auth0_client_credentials", 300)
    last = make_due(make_organization("atreides"), "auth0_client_credentials", 300)[0]
    Token.objects.update(refresh_at=clock.now() - HOUR)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    plan = turns.of_queue(Token.objects.refresh_due(), last.queue_name)[:4].explain()

    assert "token_queue" in plan
    assert "token_refresh_at" not in plan


def test_the_queue_is_the_same_in_python_and_in_the_database(organization, make_due):
    app = make_oauth_app(organization, "airtable")
    make_due(organization, "airtable_oauth2", 1, app=app)
    make_due(organization, "stripe_key", 1)

    for row in Credential.objects.select_related("token"):
        assert row.queue == row.queue_name == row.token.queue


@pytest.mark.parametrize("kinds_claimed", [renew_kinds, probe_kinds])
def test_one_provider_gets_half_of_all_threads(organization, make_due, kinds_claimed):
    make_due(organization, "hubspot_oauth2", 6, ago=2 * HOUR)
    make_due(organization, "auth0_client_credentials", 6)
    capacity = Capacity(threads=6)

    claimed = [slug for _ in range(6) for slug in kinds_claimed(2, capacity)]

    assert claimed.count("hubspot_oauth2") == 3
    assert claimed.count("auth0_client_credentials") == 3


@pytest.mark.parametrize("kinds_claimed", [renew_kinds, probe_kinds])
def test_while_a_call_is_slow_no_other_begins_at_its_host(
    organization, make_due, kinds_claimed, monkeypatch
):
    make_due(organization, "hubspot_oauth2", 4, ago=2 * HOUR)
    capacity = Capacity(threads=8)
    assert kinds_claimed(1, capacity) == ["hubspot_oauth2"]
    later = clock.now() + endpoints.SLOW + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert kinds_claimed(4, capacity) == []


@pytest.mark.parametrize("kinds_claimed", [renew_kinds, probe_kinds])
def test_a_provider_that_is_known_to_be_down_is_called_once_at_a_time(
    organization, make_due, kinds_claimed
):
    make_due(organization, "hubspot_oauth2", 4)
    outages.open_outage("hubspot", "HubSpot is down.")
    WorkerProcess.objects.create(hostname="sietch", pid=1, threads=20)

    claimed = [kinds_claimed(4, workers.capacity()) for _ in range(2)]

    assert claimed == [["hubspot_oauth2"], []]


@pytest.mark.parametrize(
    ("purpose", "kinds_claimed"), [(Purpose.RENEW, renew_kinds), (Purpose.PROBE, probe_kinds)]
)
def test_who_does_not_answer_is_tried_by_one_call_at_a_time(
    organization, make_due, purpose, kinds_claimed
):
    row, *_ = make_due(organization, "hubspot_oauth2", 4, ago=2 * HOUR)
    make_due(organization, "auth0_client_credentials", 2)
    endpoints.record_call(purpose, row, answered=False)
    capacity = Capacity(threads=20)

    first, second = kinds_claimed(6, capacity), kinds_claimed(6, capacity)
    endpoints.record_call(purpose, row, answered=False)
    third = kinds_claimed(6, capacity)
    endpoints.record_call(purpose, row, answered=True)
    fourth = kinds_claimed(6, capacity)

    assert sorted(first) == ["auth0_client_credentials"] * 2 + ["hubspot_oauth2"]
    assert second == []
    assert third == ["hubspot_oauth2"]
    assert fourth == ["hubspot_oauth2"] * 2


@pytest.mark.parametrize(
    ("purpose", "kinds_claimed"), [(Purpose.RENEW, renew_kinds), (Purpose.PROBE, probe_kinds)]
)
def test_one_silent_tenant_does_not_hold_up_the_others(
    organization, make_due, purpose, kinds_claimed
):
    place = {"domain": "silent.eu.auth0.com"}
    row, *_ = make_due(organization, "auth0_client_credentials", 3, properties=place)
    make_due(
        make_organization("atreides"),
        "auth0_client_credentials",
        3,
        properties={"domain": "quick.eu.auth0.com"},
    )
    endpoints.record_call(purpose, row, answered=False)

    assert len(kinds_claimed(6, Capacity(threads=20))) == 4


def test_all_silent_hosts_together_get_a_fifth_of_the_threads(organization, make_due):
    for number in range(5):
        place = {"domain": f"silent-{number}.eu.auth0.com"}
        (row,) = make_due(
            make_organization(f"tenant-{number}"),
            "auth0_client_credentials",
            1,
            properties=place,
        )
        endpoints.record_call(Purpose.PROBE, row, answered=False)

    assert len(probe_claims.claim_due(5, Capacity(threads=10))) == 2
    assert probe_claims.claim_due(5, Capacity(threads=10)) == []


def test_the_trial_of_a_killed_process_ends_by_itself(organization, make_due, monkeypatch):
    row, *_ = make_due(organization, "hubspot_oauth2", 2)
    endpoints.record_call(Purpose.RENEW, row, answered=False)
    assert len(renewal_leases.claim_due(2)) == 1
    assert renewal_leases.claim_due(2) == []
    later = clock.now() + endpoints.TRIAL + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert len(renewal_leases.claim_due(2)) == 1


def test_calls_say_who_answers(organization, monkeypatch):
    """An error is an answer, and only silence is none."""
    row = make_credential(organization, "stripe_key")

    def be_silent(*args, **options):
        raise http.Unreachable("api.stripe.com did not answer.")

    monkeypatch.setattr(http, "request", be_silent)
    probes.call_probe(row)
    assert SilentEndpoint.objects.get().title == "Stripe API key"

    monkeypatch.setattr(http, "request", lambda *args, **options: http.Response(500))
    probes.call_probe(row)
    assert not SilentEndpoint.objects.exists()


def test_a_renewal_says_who_answers(organization, monkeypatch):
    row = make_credential(organization, "auth0_client_credentials")

    def be_silent(*args, **options):
        raise http.Unreachable("It did not answer.")

    monkeypatch.setattr(http, "request", be_silent)
    with pytest.raises(Refused):
        renewal.get_access_token(row)

    assert SilentEndpoint.objects.get().purpose == Purpose.RENEW


def test_a_reader_does_not_wait_for_who_is_being_tried(organization, make_due):
    row, _ = make_due(organization, "auth0_client_credentials", 2)
    endpoints.record_call(Purpose.RENEW, row, answered=False)
    assert len(renewal_leases.claim_due(1)) == 1
    free = Token.objects.filter(lease_until=None).get().credential

    with pytest.raises(Refused, match="has not answered since"):
        renewal.get_access_token(free)

    assert Token.objects.get(pk=free.pk).lease_fence == 0


def test_a_providers_pace_is_shared_by_the_organizations(organization, make_due, monkeypatch):
    monkeypatch.setattr(Credential, "refresh_pace", RefreshPace(per_app=10, per_provider=4))
    for owner, count in ((organization, 9), (make_organization("atreides"), 2)):
        app = make_oauth_app(owner, "airtable")
        make_due(owner, "airtable_oauth2", count, ago=count * HOUR, app=app)

    started = renewal_leases.claim_due(9)

    assert sorted(
        lease.token.credential.organization_id == organization.pk for lease in started
    ) == [
        *([False] * 2),
        *([True] * 2),
    ]


def test_an_apps_own_pace_counts(organization, make_due):
    app = make_oauth_app(organization, "airtable", renewals_per_second=3)
    make_due(organization, "airtable_oauth2", 5, app=app)

    assert len(renewal_leases.claim_due(5)) == 3
    assert renewal_leases.claim_due(5) == []


def test_reconnected_through_another_app_it_waits_in_that_ones_queue(organization, make_due):
    one, two = (make_oauth_app(organization, "airtable", name=name) for name in "ab")
    (row,) = make_due(organization, "airtable_oauth2", 1, app=one)
    row.oauth_app = two
    row.save()

    token = Token.objects.select_related("credential").get()
    token.save()

    assert token.queue == Credential.objects.get().queue
    assert token.queue.endswith(two.pk.hex)


def test_what_nobody_calls_any_more_is_forgotten(organization, make_due, monkeypatch):
    (row,) = make_due(organization, "stripe_key", 1)
    endpoints.record_call(Purpose.PROBE, row, answered=False)
    assert endpoints.prune() == 0
    later = clock.now() + endpoints.KEPT_FOR + HOUR
    monkeypatch.setattr(clock, "now", lambda: later)

    assert endpoints.prune() == 1
