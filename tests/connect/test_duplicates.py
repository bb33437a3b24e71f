"""One account, one credential: what happens when a second one turns out to be the same."""

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes
from tests.due_work import probe_due
from tests.factories import make_credential

ARRAKIS, GIEDI_PRIME = "21902692", "33011844"
KEY = {"kind": "stripe_key", "name": "Arrakis", "test": True}
SECRET = "sk_test_arrakis0000000000000001"


@pytest.fixture
def two_of_one(organization, simulated):
    """The same key stored twice, as two keys of one account are while Stripe can't say whose."""
    properties = {**KEY, "secret": SECRET}
    return [make_credential(organization, "stripe_key", properties=properties) for _ in range(2)]


def test_the_second_of_two_says_that_it_is_one_too_many(two_of_one):
    for credential in two_of_one:
        probes.verify(credential)

    first, second = Credential.objects.order_by("created_at")
    assert (first.health_status, first.identity) == ("healthy", "acct_1Arrakis0000001 True")
    assert (second.health_status, second.identity) == ("sequin_intervention", None)
    assert "Delete one of the two" in second.health_note


def test_the_second_is_well_once_the_first_is_gone(two_of_one):
    first, second = two_of_one
    probes.verify(first)
    probes.verify(second)

    credential_operations.delete(first, actor=None)
    probes.verify(second)

    assert Credential.objects.get().health_status == "healthy"


def test_the_worker_goes_on_past_a_duplicate(two_of_one, organization):
    make_credential(organization, "stripe_key", name="Third")

    assert probe_due() == 3


def test_an_edit_can_not_make_a_duplicate(organization, two_of_one):
    first, second = two_of_one
    probes.verify(first)

    with pytest.raises(credential_operations.OtherAccount, match="is here already as"):
        credential_operations.replace_secrets(second, second.parsed(), actor=None)


def test_an_account_is_not_replaced_by_one_that_is_here(make_app, connect):
    app = make_app("hubspot")
    first = connect(app, ARRAKIS).credential
    second = connect(app, GIEDI_PRIME).credential

    connect_session = connect(app, ARRAKIS, reconnects=second, replaces_account=True)

    assert f"is here already as {first.name}" in connect_session.failure
    second.refresh_from_db()
    assert second.properties["hub_id"] == int(GIEDI_PRIME)
