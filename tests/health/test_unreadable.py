"""Secrets that can't be decrypted are for us to fix and do not block other rows."""

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes
from sequin_admin.tokens.models import Token
from tests.due_work import refresh_due
from tests.factories import give_secrets, make_credential


@pytest.fixture
def swap(organization):
    """Copy another credential's encrypted secrets by SQL."""

    def make(slug):
        credential = make_credential(organization, slug, name="a")
        other = make_credential(organization, "sendgrid_key", name="b")
        give_secrets(other, to=credential)
        other.delete()
        return Credential.objects.get(pk=credential.pk)

    return make


def test_its_probe_tells_us_to_act(swap, user):
    credential = swap("stripe_key")

    outcome = probes.verify(credential, actor=user)

    assert outcome.code == "unreadable"
    assert "sealed for another row" in outcome.message
    assert Credential.objects.get().health_status == "sequin_intervention"


def test_its_renewal_backs_off(swap):
    credential = swap("auth0_client_credentials")
    Token.objects.update_or_create(credential=credential, defaults={"refresh_at": clock.now()})

    assert refresh_due() == 0

    token = Token.objects.get()
    assert token.refusal["code"] == "unreadable"
    assert token.next_try_at > clock.now()
