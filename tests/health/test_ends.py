"""Access that will end whatever is renewed: who is told, and when."""

from datetime import datetime, timedelta

import jwt
import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.health import end_notices, probes, rollup
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES
from tests.due_work import notify, refresh_due
from tests.factories import make_credential, sample_properties

DAY = timedelta(days=1)
NOTICE = "credential.access_ends"


@pytest.fixture
def channel(organization):
    return Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )


def json_time(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def refresh_jwt(began, life):
    claims = {"iat": int(began.timestamp()), "exp": int((began + life).timestamp())}
    return jwt.encode(claims, "a key of at least thirty-two bytes")


def live(credential, hours, days):
    """Probe it twice a day, and run the job. Returns what was told, by the day."""
    told, seen = [], Delivery.objects.count()
    for half in range(2 * days):
        row = Credential.objects.get(pk=credential.pk)
        rollup.propagate(probes.record_probe(row, outcomes.works()))
        end_notices.notify_ends()
        notify()
        new = Delivery.objects.exclude(channel=None).order_by("id")[seen:]
        told += [(half / 2, delivery.type) for delivery in new]
        seen += len(new)
        hours.pass_by(DAY / 2)
    return told


def status():
    return Credential.objects.get().health_status


def test_notices_come_30_7_and_1_days_before_each_once(organization, channel, hours):
    row = make_credential(
        organization,
        "servicenow_oauth2",
        properties={"refresh_token_expires_at": json_time(hours.now + 32 * DAY + DAY / 4)},
    )

    told = live(row, hours, 32)

    assert told == [(2.5, NOTICE), (25.5, "cause.opened"), (31.5, NOTICE)]


def test_the_status_changes_at_7_days_only(organization, channel, hours):
    ends = json_time(hours.now + 20 * DAY)
    row = make_credential(organization, "quickbooks_oauth2", properties={"access_expires_at": ends})
    live(row, hours, 13)
    assert status() == "healthy"

    live(row, hours, 1)

    assert status() == "customer_intervention"
    assert "All access to QuickBooks ends on" in Credential.objects.get().health_note


def test_no_notice_comes_before_half_the_life(organization, channel, hours):
    token = refresh_jwt(hours.now, 7 * DAY + DAY / 4)
    row = make_credential(organization, "netsuite_oauth2", properties={"refresh_token": token})

    told = live(row, hours, 7)

    assert told == [(4, "cause.opened"), (6.5, NOTICE)]


def test_a_configured_validity_is_read_from_the_token(organization, channel, hours):
    token = refresh_jwt(hours.now, 90 * DAY)
    row = make_credential(organization, "netsuite_oauth2", properties={"refresh_token": token})

    told = live(row, hours, 61)

    assert told == [(60, NOTICE)]
    assert status() == "healthy"


def test_connecting_again_begins_anew(organization, channel, hours):
    row = make_credential(
        organization,
        "servicenow_oauth2",
        properties={"refresh_token_expires_at": json_time(hours.now + 6 * DAY)},
    )
    live(row, hours, 1)
    assert status() == "customer_intervention"
    row.refresh_from_db()
    row.properties["refresh_token_expires_at"] = json_time(hours.now + 30 * DAY)
    row.save()

    assert live(row, hours, 1) == [(0, NOTICE), (0.5, "cause.resolved")]
    assert status() == "healthy"


def test_the_customer_is_told_when_it_ends_and_not_that_it_has(organization, channel, hours):
    ends_at = hours.now + 6 * DAY
    row = make_credential(
        organization,
        "servicenow_oauth2",
        contact_email="paul@customer.test",
        properties={"refresh_token_expires_at": json_time(ends_at)},
    )

    live(row, hours, 6)

    mails = [d.message for d in Delivery.objects.filter(to="paul@customer.test").order_by("id")]
    assert [mail.type for mail in mails] == ["incident.opened", NOTICE]
    for mail in mails:
        assert f"its access ends on {ends_at:%-d %B %Y}" in mail.customer_text
        assert "no longer let in" not in mail.customer_text


@pytest.mark.parametrize(
    ("slug", "days"),
    [("netsuite_oauth2", 7), ("servicenow_oauth2", 100), ("quickbooks_oauth2", 100)],
)
def test_what_the_provider_says_of_the_end_is_known(connected, slug, days):
    credential = connected(slug)
    probes.verify(credential)

    ends_at = Credential.objects.get().access_ends_at()

    assert abs(ends_at - clock.now() - days * DAY) < timedelta(hours=1)


def import_servicenow(organization, token, secret="old", **more):
    kind = kinds.get("servicenow_oauth2")
    known = sample_properties(kind, "sample")
    values = {**known, "refresh_token": token, "client_secret": secret, **more}
    parsed = kind.properties_class.model_validate(values)
    return credential_operations.save_credential(organization, parsed, actor=None).credential


@pytest.mark.parametrize("is_older", [False, True])
def test_an_imported_servicenow_token_ends_100_days_after_it_came_at_the_latest(
    organization, hours, is_older
):
    """A new token begins anew, another secret does not; also where an older import stored none."""
    began = hours.now
    row = import_servicenow(organization, "first")
    if is_older:
        row.properties = {
            n: v for n, v in row.properties.items() if n != "refresh_token_expires_at"
        }
        row.save()
    assert abs(row.access_ends_at() - began - 100 * DAY) < timedelta(seconds=1)

    hours.pass_by(40 * DAY)
    row = import_servicenow(organization, "first", secret="new")
    assert abs(row.access_ends_at() - began - 100 * DAY) < timedelta(seconds=1)

    row = import_servicenow(organization, "second", secret="new")
    assert abs(row.access_ends_at() - hours.now - 100 * DAY) < timedelta(seconds=1)


def test_the_end_that_comes_with_an_import_is_taken(organization, hours):
    ends = json_time(hours.now + 9 * DAY)

    row = import_servicenow(organization, "first", refresh_token_expires_at=ends)

    assert json_time(row.access_ends_at()) == ends


@pytest.mark.parametrize("slug", ["servicenow_oauth2", "quickbooks_oauth2"])
def test_an_end_without_a_time_zone_is_in_utc(organization, hours, slug):
    """Also where an older import stored it so."""
    kind = kinds.get(slug)
    given = {"refresh_token_expires_at": "2027-03-01T10:00:00"}
    parsed = kind.properties_class.model_validate(sample_properties(kind, "sample") | given)
    assert parsed.plain_values()["refresh_token_expires_at"] == "2027-03-01T10:00:00Z"

    row = make_credential(organization, slug, properties=given)
    assert json_time(row.access_ends_at()) == "2027-03-01T10:00:00Z"


def test_a_new_servicenow_token_of_the_form_begins_anew(organization, hours):
    row = import_servicenow(organization, "first")
    hours.pass_by(40 * DAY)
    values = {**row.properties, **row.secrets, "kind": row.kind, "refresh_token": "second"}
    values.pop("refresh_token_expires_at")

    credential_operations.replace_secrets(
        row, row.properties_class.model_validate(values), actor=None
    )

    row = Credential.objects.get()
    assert abs(row.access_ends_at() - hours.now - 100 * DAY) < timedelta(seconds=1)


def test_quickbooks_tells_its_five_years_when_asked(connected):
    credential = connected("quickbooks_oauth2")

    ends_at = datetime.fromisoformat(credential.properties["access_expires_at"])

    assert abs(ends_at - clock.now() - 1825 * DAY) < timedelta(hours=1)


@pytest.mark.parametrize("token", ["", "a.b.c", "e30.e30.x", "a.eyJleHAiOiAiMWUzMDAifQ.c"])
def test_a_refresh_token_that_is_no_jwt_has_no_known_end(organization, token):
    row = make_credential(organization, "netsuite_oauth2")
    row.secrets = {**row.secrets, "refresh_token": token}

    assert row.access_ends_at() is None


@pytest.mark.parametrize("slug", ["airtable_oauth2", "salesforce_oauth2", "quickbooks_oauth2"])
def test_what_ends_when_idle_is_renewed_before_though_nobody_reads(connected, simulated, slug):
    credential = connected(slug)
    due_at = Token.objects.get().refresh_at
    assert due_at - clock.now() < DAY
    Token.objects.update(refresh_at=clock.now())
    # One day before the grant would have ended without use, by the provider's clock.
    simulated.clock(29 * 86_400)

    assert refresh_due() == 1
    simulated.clock(29 * 86_400)
    assert renewal.refresh(credential, force=True)


def test_salesforce_revokes_the_grant_when_a_rotated_token_comes_again(connected, simulated):
    """Our answer was lost, so what we hold is spent: there is no way back but to connect again."""
    credential = connected("salesforce_oauth2")
    account = STORIES["salesforce_oauth2"].account
    simulated.act("salesforce", account, "rotate_refresh_tokens")
    before = credential.secrets["refresh_token"]
    renewal.refresh(credential, force=True)
    assert Credential.objects.get().secrets["refresh_token"] != before
    simulated.act("salesforce", account, "lost_response")
    with pytest.raises(Refused):
        renewal.refresh(credential, force=True)

    with pytest.raises(Refused) as refused:
        renewal.refresh(credential, force=True)

    assert refused.value.outcome.code == "answer_lost"
    grants = simulated.http.get(f"{simulated.url}/control-api/salesforce/grants").json()["data"]
    assert (grants[-1]["revoked"], grants[-1]["reuses"]) == (True, 1)


@pytest.mark.parametrize(("days", "works"), [(29, True), (31, False)])
def test_shopifys_old_refresh_token_is_tried_until_its_successor_is_used(
    connected, simulated, days, works
):
    credential = connected("shopify_oauth2")
    simulated.act("shopify", STORIES["shopify_oauth2"].account, "lost_response")
    with pytest.raises(Refused):
        renewal.refresh(credential, force=True)
    simulated.clock(days * 86_400)

    if works:
        token = renewal.refresh(credential, force=True)
        url = f"{simulated.url}/control-api/shopify/alive"
        assert simulated.http.post(url, json={"access": token}).json() == {"alive": True}
        return
    with pytest.raises(Refused) as refused:
        renewal.refresh(credential, force=True)
    assert refused.value.outcome.verdict == "customer"
