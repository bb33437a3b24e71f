"""An entered secret is tried once: what its provider says of the account is its first check."""

from sequin_admin.connect import credential_operations
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.health.models import Check
from tests.factories import make_credential

URL = "/v1/credentials"
KEY = "sk_test_arrakis0000000000000001"


def sent(**properties):
    entered = {"kind": "stripe_key", "name": "Arrakis", "secret": KEY, "test": True}
    return {"properties": {**entered, **properties}}


def endpoints(simulated):
    return [call["endpoint"] for call in simulated.calls("stripe")]


def test_an_import_calls_as_often_as_one_probe(api, simulated):
    api.post(URL, sent())
    imported = endpoints(simulated)
    probes.verify(Credential.objects.get())

    assert imported
    assert endpoints(simulated) == imported * 2
    assert Check.objects.filter(verdict="ok").exists()


def test_a_refused_key_is_tried_once_and_its_credential_is_red(api, simulated):
    answer = api.post(URL, sent(secret="sk_test_of_nobody"))

    assert answer.json()["health"]["status"] == "customer_intervention"
    assert len(set(endpoints(simulated))) == len(endpoints(simulated))


def test_a_probe_that_was_asked_for_calls_again(api, simulated):
    pk = api.post(URL, sent()).json()["id"]
    imported = len(endpoints(simulated))

    api.post(f"{URL}/{pk}/verify")

    assert len(endpoints(simulated)) == 2 * imported


def test_the_probe_of_another_secret_says_nothing(organization, simulated):
    credential = make_credential(organization, "stripe_key", secrets={"secret": KEY})
    draft = credential_operations.replacement_of(credential, credential.parsed())
    credential_operations.probe_draft(draft)
    credential.probed, credential.secrets = draft.probed, {"secret": "sk_test_of_nobody"}
    credential.save()

    assert probes.verify_entered(credential).verdict is Verdict.CUSTOMER
