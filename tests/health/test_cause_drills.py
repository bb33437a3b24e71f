"""Mass failures of every sort: exactly one cause, of the right party, and at most one mail of it.

What the provider or the network answers is classified by the kind; probes, statuses, outages,
incidents and messages are the product's own.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sequin_admin.core.destinations import UnknownHost, Unreachable
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import Response
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.health import checks, outages, probes, rollup
from sequin_admin.health.models import Cause, Check, Incident, subject_columns
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.syncs import targets
from tests.due_work import notify
from tests.factories import make_credential, make_oauth_app, sample_properties

CUSTOMER, SEQUIN, NOBODY = "customer_intervention", "sequin_intervention", ""
MINUTE = timedelta(minutes=1)
PAGE = b"<!doctype html><html><body>Sign in to the network</body></html>"


def answer(status, body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, headers, raw)


@dataclass
class Fault:
    """`sees` gives the outcome of each number's probe, of the kind's own classification.

    `share` of the fleet fail, over and over for `minutes`: readers meet them. The others are probed
    when they are due.
    """

    name: str
    slug: str
    sees: object
    status: str
    code: str
    entity: str = "credential"
    minutes: int = 0
    share: float = 1.0


def token(status, body):
    return lambda kind, number: kind.classify_token_error(answer(status, body))


def api(status, body, **headers):
    return lambda kind, number: outcomes.unless_foreign(
        kind.classify(answer(status, body, **headers)), kind.provider_title
    )


def failed(error):
    return lambda kind, number: kind.classify_failure(error)


def by_proxy(kind, number):
    """What blames our app comes from somebody else."""
    return kind.classify_failure(Refused(kind.classify_token_error(answer(401, PAGE))))


def in_many_ways(kind, number):
    """A provider that is half down says so in another way to each."""
    ways = (api(503, b""), api(200, PAGE), failed(Unreachable("It did not answer in 20 s.")))
    return ways[number % 3](kind, number)


def by_turns(fault):
    """Works and fails, as from behind a load balancer with one broken node."""
    calls = []

    def sees(kind, number):
        calls.append(number)
        return outcomes.works() if calls.count(number) % 2 == 0 else fault(kind, number)

    return sees


HUBSPOT = "hubspot_oauth2"
SCOPES = {"category": "MISSING_SCOPES", "message": "This app hasn't been granted all scopes."}
REVOKED = token(400, {"error": "invalid_grant"})
SECRET = token(401, {"error": "invalid_client"})
NO_KEY = DecryptionError("No key opens it.")
FAULTS = (
    Fault("our app's secret is wrong", HUBSPOT, SECRET, SEQUIN, "invalid_client", "oauth_app"),
    Fault(
        *("our app was deleted", HUBSPOT, token(400, {"status": "BAD_CLIENT_ID"})),
        *(SEQUIN, "BAD_CLIENT_ID", "oauth_app"),
    ),
    Fault("customers revoked it", HUBSPOT, REVOKED, CUSTOMER, "invalid_grant"),
    Fault("customers revoked it at Linear", "linear_oauth2", REVOKED, CUSTOMER, "invalid_grant"),
    Fault("a scope is missing", HUBSPOT, api(403, SCOPES), CUSTOMER, "MISSING_SCOPES"),
    Fault("the provider is down", HUBSPOT, api(503, b""), NOBODY, "outage", "provider", 4),
    Fault("it answers pages", HUBSPOT, api(200, PAGE), NOBODY, "outage", "provider", 4),
    Fault(
        *("it hangs", HUBSPOT, failed(Unreachable("It did not answer in 20 s."))),
        *(NOBODY, "outage", "provider", 4),
    ),
    Fault(
        *("it is down in many ways", HUBSPOT, in_many_ways, NOBODY, "outage", "provider", 4),
    ),
    Fault("a proxy is in between", HUBSPOT, by_proxy, NOBODY, "outage", "provider", 4),
    Fault(
        *("a third can't be served", HUBSPOT, in_many_ways, SEQUIN, "unavailable"),
        minutes=40,
        share=1 / 3,
    ),
    Fault("throttled for long", HUBSPOT, api(429, {}), SEQUIN, "throttled", minutes=40),
    Fault("an unknown answer", HUBSPOT, api(418, {}), SEQUIN, "http_418", minutes=40),
    Fault("our key is lost", "stripe_key", failed(NO_KEY), SEQUIN, "unreadable"),
    Fault("our key is lost, OAuth", HUBSPOT, failed(NO_KEY), SEQUIN, "unreadable"),
    Fault(
        *("keys were deleted", "stripe_key", api(401, {"error": {"code": "api_key_expired"}})),
        *(CUSTOMER, None),
    ),
    Fault("keys were rolled", "sendgrid_key", api(401, {"errors": []}), CUSTOMER, None),
    Fault(
        *("instances are gone", "servicenow_oauth2"),
        *(failed(UnknownHost("There is no such host.")), CUSTOMER, "unknown_host"),
    ),
    Fault(
        *("our clock is wrong", "github_app"),
        lambda kind, number: outcomes.clock_wrong("GitHub", 300, of_app=True),
        *(SEQUIN, "clock", "oauth_app"),
    ),
    Fault("it works by turns", HUBSPOT, by_turns(REVOKED), CUSTOMER, "invalid_grant", minutes=20),
)


@pytest.fixture
def channel(organization):
    return Channel.objects.create(
        organization=organization,
        kind="mail",
        name="On call",
        address="ops@arrakis.test",
        min_severity="info",
        event_types=["incident.*"],
    )


def make_fleet(organization, slug, count):
    """Healthy credentials of one OAuth app, and one of another provider."""
    kind = kinds.get(slug)
    values = kind.properties_class.model_validate(sample_properties(kind, "sample"))
    app = make_oauth_app(organization, kind.provider) if kind.client_is_ours() else None
    rows = [
        kind(
            organization=organization,
            oauth_app=app,
            name=f"Sietch {number}",
            identity=f"sietch-{number}",
            properties=values.public_values(),
            secrets=values.secret_values(),
            contact_email=f"stilgar{number}@sietch.test",
        )
        for number in range(count)
    ]
    Credential.objects.bulk_create(rows)
    other = make_credential(organization, "auth0_client_credentials")
    for row in (rows[0], other):
        see(row, outcomes.works())
    make_alike(rows[0], rows[1:])
    return rows


def make_alike(seen, others):
    """As if each had been probed as `seen` was, which a thousand probes would take long for."""
    like = Credential.objects.get(pk=seen.pk)
    columns = ("health_status", "health_since", "checked_at", "check_due_at")
    alike = Credential.objects.filter(pk__in=[row.pk for row in others])
    alike.update(**{name: getattr(like, name) for name in columns})
    known = list(Check.objects.about(like).values())
    Check.objects.bulk_create(
        Check(**{**check, "id": None, **subject_columns(row)}) for row in others for check in known
    )


def see(row, outcome):
    found = Credential.objects.select_related("oauth_app").get(pk=row.pk)
    rollup.propagate(probes.record_probe(found, outcome))


def drill(fault, organization, channel, hours, count):
    rows = make_fleet(organization, fault.slug, count)
    hours.pass_by(15 * MINUTE)
    kind, sick = kinds.get(fault.slug), rows[: max(3, round(count * fault.share))]
    well = {row.pk for row in rows[len(sick) :]}
    # Of a thousand, readers meet what lasts less often.
    every = 12 if count == 1000 and fault.minutes == 40 else 4
    for _ in range(0, fault.minutes + 1, every):
        for number, row in enumerate(sick):
            see(row, fault.sees(kind, number))
        outages.detect_outages()
        for row in Credential.objects.check_due().filter(pk__in=well):
            see(row, outcomes.works())
        notify()
        hours.pass_by(every * MINUTE)

    cause = Cause.objects.get()
    expected = fault.code or Incident.objects.first().code
    assert (cause.status, cause.code, cause.entity) == (fault.status, expected, fault.entity)
    if cause.is_open:
        size = cause.open_incidents if fault.entity == "credential" else cause.affected
        assert size == (len(sick) if fault.entity == "credential" else count)
    told = Delivery.objects.filter(channel=channel)
    assert [row.type for row in told] == ["cause.opened"]
    asked = Delivery.objects.filter(channel=None).values_list("to", flat=True)
    assert len(asked) == len(set(asked)) == (len(sick) if fault.status == CUSTOMER else 0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_one_fault_is_one_cause_and_one_mail(fault, organization, channel, hours):
    drill(fault, organization, channel, hours, 6 if fault.share == 1 else 12)


# One for each party.
OFTEN = {"our app's secret is wrong", "customers revoked it", "the provider is down"}
# Of a thousand each takes 10 to 60 s of a processor.
MANY = [
    pytest.param(fault, count, id=f"{fault.name}, {count}", marks=marks)
    for count, marks in ((100, pytest.mark.faults), (1000, pytest.mark.drills))
    for fault in FAULTS
    if count == 1000 or fault.name in OFTEN
]


@pytest.mark.parametrize(("fault", "count"), MANY)
def test_one_fault_of_many_is_one_cause_and_one_mail(fault, count, organization, channel, hours):
    drill(fault, organization, channel, hours, count)


def test_targets_of_one_server_that_is_down_are_one_cause(organization, channel, hours):
    rows = [
        targets.create(
            organization,
            actor=None,
            name=f"Warehouse {number}",
            password="spice-must-flow-0123456789",
            host="db.arrakis.test",
            port=5432,
            database=f"spice{number}",
            username="sequin",
        )
        for number in range(6)
    ]
    down = outcomes.operator("refused", "db.arrakis.test lets nobody in.", "Mend it.", of_app=False)

    for row in rows:
        rollup.propagate(checks.record_checks(row, {"connection": down}))
    notify()

    cause = Cause.objects.get()
    assert (cause.entity, cause.open_incidents, cause.status) == ("target", 6, SEQUIN)
    assert [d.message.title for d in Delivery.objects.filter(channel=channel)] == [
        "6 targets fail: we must act"
    ]
