"""Work for many rows takes as many statements as work for a few."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event
from sequin_admin.connect import batches, bulk, links
from sequin_admin.connect.models import BatchAction, BatchItem, ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.health import outages, rollup
from sequin_admin.health.models import Cause, Incident
from sequin_admin.limits import limiter, sampling
from sequin_admin.limits.models import RateLimit, Sample, set_limits
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.tokens.models import Token
from tests.conftest import make_member
from tests.due_work import notify
from tests.factories import make_credential, make_oauth_app, sample_properties

FEW, MANY = 3, 30
RATE = Rate(allowed_requests=7, interval=1000, max_concurrent_requests=2)
MOVED = "https://moved.my.salesforce.com"
# What becomes of the refresh token, the version and the access token of an account that moved.
AFTER = (("new", 0, None), ("new", 2, None), ("old", 1, "stays"))
pytestmark = pytest.mark.django_db


class Fleet:
    """An organization with a person, a channel for everything, and `count` credentials.

    `owners` are as many other organizations with a channel and a credential.
    """

    def __init__(self, count):
        self.count = count
        self.organization = make_organization(f"fleet-{count}")
        self.person = make_member(self.organization, f"{count}@arrakis.test", "owner")
        self.rows = [self.credential(number) for number in range(count)]

    def credential(self, number, slug="stripe_key", **columns):
        identity = {"identity": f"acct_{number}", "health_status": "customer_intervention"}
        return make_credential(self.organization, slug, **{**identity, **columns})

    def batch(self, action, **options):
        rows = Credential.objects.of(self.organization)
        batches.start(self.organization, rows, action, actor=self.person, options=options)
        return batches.claim_due(1)[0]


def make_organization(name):
    organization = Organization.objects.create(name=name, slug=name)
    Channel.objects.create(
        organization=organization,
        kind="mail",
        name="All",
        address=f"{name}@arrakis.test",
        event_types=[],
        min_severity="info",
    )
    return organization


def limits(fleet):
    yield lambda: set_limits(fleet.rows, RATE, actor=fleet.person)
    assert RateLimit.objects.filter(credential__in=fleet.rows).count() == fleet.count


def batch_of_limits(fleet):
    batch = fleet.batch(BatchAction.LIMIT, **RATE.model_dump())
    yield lambda: batches.work_claimed(batch)
    assert RateLimit.objects.filter(credential__in=fleet.rows).count() == fleet.count


def batch_of_links(fleet):
    batch = fleet.batch(BatchAction.RECONNECT, days=1)
    yield lambda: batches.work_claimed(batch)
    assert ConnectLink.objects.filter(batch=batch.pk).count() == fleet.count
    posted = Delivery.objects.filter(organization=fleet.organization, type="connect_link.created")
    assert posted.count() == fleet.count


def withdrawn_batch(fleet):
    batch = fleet.batch(BatchAction.RECONNECT, days=1)
    batches.work_claimed(batch)
    batches.withdraw(batch, actor=fleet.person)
    (claimed,) = batches.claim_due(1)
    yield lambda: batches.work_claimed(claimed)
    assert ConnectLink.objects.filter(batch=batch.pk, revoked_at=None).count() == 0


def import_of_new_ones(fleet):
    properties = kinds.get("stripe_key").properties_class
    items = [
        bulk.Item(
            properties.model_validate(sample_properties(kinds.get("stripe_key"), f"m{number}")),
            rate=RATE,
        )
        for number in range(fleet.count)
    ]
    yield lambda: bulk.save_credentials(fleet.organization, items, actor=fleet.person)
    assert RateLimit.objects.filter(credential__organization=fleet.organization).count() == len(
        items
    )


def import_of_known_ones(fleet):
    """Renamed keys, and accounts that moved to another host: of each three one has no access token
    yet, one gets another refresh token, and one keeps both tokens."""
    kind, moved, keys, items = kinds.get("salesforce_oauth2"), [], [], []
    for number in range(fleet.count):
        known = {"sfid": f"00D{number}", "refresh_token": f"old-{number}"}
        row = fleet.credential(number, kind.slug, identity=known["sfid"], properties=known)
        if number % 3:
            Token(credential=row, version=1, secrets={"access_token": known["sfid"]}).save()
        changed = {"instance_url": MOVED, "refresh_token": f"{AFTER[number % 3][0]}-{number}"}
        items.append(changed_item(row, **changed))
        moved.append(row)
        key = fleet.credential(number, marker=f"m{number}", identity=f"acct_m{number}")
        items.append(changed_item(key, name="New"))
        keys.append(key)
    yield lambda: bulk.save_credentials(fleet.organization, items, actor=fleet.person)
    for number, token in enumerate(token_of(row) for row in moved):
        refresh_token, version, access_token = AFTER[number % 3]
        assert token.credential.properties["instance_url"] == MOVED
        assert token.credential.secrets["refresh_token"] == f"{refresh_token}-{number}"
        assert token.version == version
        assert token.secrets.get("access_token") == (access_token and f"00D{number}")
    assert {Credential.objects.get(pk=row.pk).properties["name"] for row in keys} == {"New"}
    assert Credential.objects.of(fleet.organization).matching("new").count() == len(keys)
    updated = Event.objects.filter(organization_id=fleet.organization.pk)
    assert updated.filter(action="credential.updated").count() == len(items)


def changed_item(row, **changed):
    properties = {"kind": row.kind, **row.properties, **row.secrets, **changed}
    return bulk.Item(row.properties_class.model_validate(properties))


def token_of(row):
    return Token.objects.with_credential().get(credential=row)


def samples(fleet):
    for row in fleet.rows:
        limiter.acquire(row)
    yield sampling.record_samples
    assert Sample.objects.filter(credential__in=fleet.rows, granted=1).count() == 2 * fleet.count


def tokens_of_expired_links(fleet):
    for row in fleet.rows:
        links.create_reconnect(fleet.organization, row, actor=None)
    mine = ConnectLink.objects.of(fleet.organization)
    mine.update(expires_at=clock.now() - timedelta(hours=1))
    yield links.prune
    assert [link.secrets for link in mine] == [{}] * fleet.count


def outage_that_opens(fleet):
    owners = [make_organization(f"owner-{fleet.count}-{n}") for n in range(fleet.count)]
    for owner in owners:
        make_credential(owner, "sendgrid_key")
    yield lambda: (outages.open_outage("sendgrid", "It is down."), notify())
    assert Incident.objects.filter(organization__in=owners, told_at__isnull=False).count() == len(
        owners
    )
    assert Delivery.objects.filter(organization__in=owners).count() == len(owners)


def outage_that_ends(fleet):
    opening = outage_that_opens(fleet)
    outage, _ = next(opening)()
    outages.close_outage(outage)
    yield notify
    owners = Organization.objects.filter(slug__startswith=f"owner-{fleet.count}-")
    over = Delivery.objects.filter(organization__in=owners, type="cause.resolved")
    assert over.count() == fleet.count


def credentials_of_a_broken_app(fleet):
    app = make_oauth_app(fleet.organization, "hubspot", health_status="sequin_intervention")
    for row in range(fleet.count):
        fleet.credential(row, "hubspot_oauth2", oauth_app=app, health_status="healthy")
    yield lambda: rollup.propagate([app])
    told = Delivery.objects.filter(
        organization=fleet.organization, type="credential.health_changed"
    )
    assert told.count() == fleet.count


WORK = (
    limits,
    batch_of_limits,
    batch_of_links,
    withdrawn_batch,
    import_of_new_ones,
    import_of_known_ones,
    samples,
    tokens_of_expired_links,
    outage_that_opens,
    outage_that_ends,
    credentials_of_a_broken_app,
)


def count_statements(work, fleet):
    steps = work(fleet)
    run = next(steps)
    with CaptureQueriesContext(connection) as statements:
        run()
    assert next(steps, None) is None
    return len(statements)


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_many_rows_take_no_more_statements_than_a_few(work):
    few = count_statements(work, Fleet(FEW))
    # What the few have left is theirs.
    Incident.objects.all().delete()
    Cause.objects.all().delete()
    outages.Outage.objects.all().delete()
    BatchItem.objects.all().delete()

    many = count_statements(work, Fleet(MANY))

    print(f"{work.__name__}: {few} statements for {FEW}, {many} for {MANY}")
    assert many <= few
