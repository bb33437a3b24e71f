"""A worker process beside a provider that never answers, and an organization with much to do."""

import json
import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Max, Min

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, leases
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app
from tests.tokens.test_processes import wait_until
from tests.worker.test_processes import start

__all__ = ["start"]
THREADS = 8
MANY, FEW = 40, 12
# In which a small organization's first work is begun and done.
STARTS_IN = timedelta(seconds=10)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def silent_url():
    """A server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(128)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def silent(silent_url):
    """Settings by which HubSpot and Stripe are that server. Nobody gives up waiting."""
    hosts = dict.fromkeys(("api.hubapi.com", "api.stripe.com"), silent_url)
    return {"PROVIDER_BASE_URLS": json.dumps(hosts), "TOKEN_DEADLINE_S": "600"}


def make_many(organization, slug, count, **columns):
    return [
        make_credential(
            organization, slug, identity=f"{organization.pk} {slug} {number}", **columns
        )
        for number in range(count)
    ]


def test_renewals_go_on_beside_a_token_endpoint_that_hangs(organization, start, silent):
    app = make_oauth_app(organization, "hubspot")
    for slug, count, oauth_app in (
        ("hubspot_oauth2", MANY, app),
        ("auth0_client_credentials", FEW, None),
    ):
        columns = {"check_due_at": None, "oauth_app": oauth_app}
        for row in make_many(organization, slug, count, **columns):
            Token.objects.create(credential=row, refresh_at=clock.now())
    hanging = Token.objects.filter(credential__kind="hubspot_oauth2")
    others = Token.objects.filter(credential__kind="auth0_client_credentials")
    connection.close()
    start("--threads", str(THREADS), **silent)

    wait_until(lambda: not others.filter(failures=0, version=0).exists())

    assert 1 <= hanging.exclude(tried_at=None).count() <= THREADS // 2


def test_probes_go_on_beside_a_host_that_hangs(organization, start, silent):
    hanging = Credential.objects.filter(kind="stripe_key")
    make_many(organization, "stripe_key", MANY)
    make_many(organization, "sendgrid_key", FEW)
    seen = [0]
    connection.close()
    start("--threads", str(THREADS), **silent)

    def are_checked():
        seen.append(hanging.filter(leases.leased()).count())
        return not Credential.objects.filter(kind="sendgrid_key", checked_at=None).exists()

    wait_until(are_checked)

    assert 1 <= max(seen) <= THREADS // 2


def test_an_organization_with_much_to_do_does_not_hold_up_another(organization, start):
    make_many(organization, "stripe_key", 3 * MANY)
    small = Organization.objects.create(name="Sietch", slug="sietch")
    make_many(small, "stripe_key", 3)
    connection.close()
    start("--threads", "2")
    began = clock.now()

    wait_until(lambda: not Credential.objects.filter(checked_at=None).exists())

    its = Credential.objects.of(small).aggregate(first=Min("checked_at"), last=Max("checked_at"))
    before = Credential.objects.of(organization).filter(checked_at__lt=its["last"]).count()
    assert before < MANY
    assert its["first"] - began < STARTS_IN
