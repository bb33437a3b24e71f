"""Actions on credentials by API: verify, disable, replace secrets and so on."""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.limits.models import RateLimit
from tests.factories import make_credential, make_oauth_app, sample_properties

RATE = {"allowed_requests": 5, "interval": 1000, "max_concurrent_requests": 2}
BULK = "/v1/rate-limits/bulk"


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key")


@pytest.fixture
def one(credential):
    return f"/v1/credentials/{credential.pk}"


def test_a_credential_is_disabled_and_enabled(api, credential, one):
    assert api.get(f"{one}/status").json()["status"] == "active"

    off = api.post(f"{one}/disable").json()
    assert (off["status"], bool(off["disabled_at"])) == ("disabled", True)
    assert api.get(f"{one}/status").json() == off
    on = api.post(f"{one}/enable").json()
    assert (on["status"], on["disabled_at"]) == ("active", None)

    actions = Event.objects.about(credential).values_list("action", flat=True)
    assert list(actions) == ["credential.enabled", "credential.disabled"]


def test_disabling_twice_is_done_once(api, credential, one):
    first = api.post(f"{one}/disable").json()

    assert api.post(f"{one}/disable").json() == first
    assert Event.objects.about(credential).count() == 1


def test_what_is_not_outdated_is_not_exchanged(api, one):
    answer = api.post(f"{one}/exchange")

    assert answer.status_code == 409
    assert "no token to exchange" in answer.json()["summary"]


def key_of(simulated, account):
    secret = simulated.account("stripe", account)["secret_key"]
    return {"kind": "stripe_key", "name": "Arrakis", "secret": secret, "test": True}


@pytest.fixture
def working(simulated, organization, user):
    """A key of one account; the simulator has another account."""
    sent = key_of(simulated, "acct_1Arrakis0000001")
    properties = kinds.get("stripe_key").properties_class(**sent)
    return credential_operations.save_credential(organization, properties, actor=user).credential


def test_a_new_secret_of_the_same_account_is_taken(api, simulated, working):
    sent = key_of(simulated, "acct_1Arrakis0000001")
    working.secrets = {"secret": "sk_test_former"}
    working.save()

    answer = api.post(f"/v1/credentials/{working.pk}/secrets", {"properties": sent})

    assert answer.status_code == 200, answer.content
    assert answer.json()["health"]["status"] == "healthy"
    assert answer["ETag"] == api.get(f"/v1/credentials/{working.pk}")["ETag"]
    assert sent["secret"] not in answer.content.decode()
    assert Event.objects.filter(action="credential.secrets_replaced").count() == 1


def test_a_secret_of_another_account_is_refused_with_both_names(api, simulated, working):
    before = Credential.objects.get().secrets
    sent = key_of(simulated, "acct_1GiediPrime00002")

    answer = api.post(f"/v1/credentials/{working.pk}/secrets", {"properties": sent})

    assert answer.status_code == 409
    for account in ("acct_1Arrakis0000001", "acct_1GiediPrime00002"):
        assert account in answer.json()["summary"]
    assert sent["secret"] not in answer.content.decode()
    assert Credential.objects.get().secrets == before


def test_properties_of_another_kind_are_refused(api, one):
    sent = sample_properties(kinds.get("sendgrid_key"))

    answer = api.post(f"{one}/secrets", {"properties": sent})

    assert list(answer.json()["validation_errors"]) == ["properties.kind"]


def test_an_empty_secret_names_its_field(api, one):
    sent = {**sample_properties(kinds.get("stripe_key")), "secret": ""}

    answer = api.post(f"{one}/secrets", {"properties": sent})

    assert list(answer.json()["validation_errors"]) == ["properties.secret"]


def test_what_was_connected_at_the_provider_has_nothing_to_enter(api, organization):
    app = make_oauth_app(organization, "hubspot")
    credential = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    sent = sample_properties(kinds.get("hubspot_oauth2"))

    answer = api.post(f"/v1/credentials/{credential.pk}/secrets", {"properties": sent})

    assert answer.status_code == 409
    assert "Make a connect link" in answer.json()["summary"]


def test_many_get_the_same_limit(api, organization):
    made = [make_credential(organization, "stripe_key", identity=str(n)) for n in range(3)]
    ids = [str(credential.pk) for credential in made]

    answer = api.post(BULK, {"credential_ids": ids, "rate_limit": RATE})

    assert answer.json() == {"updated": 3}
    for pk in ids:
        assert api.get(f"/v1/credentials/{pk}").json()["rate_limit"] == RATE
    assert Event.objects.filter(action="rate_limit.changed").count() == 3


def test_one_that_is_not_there_leaves_all_as_they_were(api, organization, stranger, credential):
    theirs = make_credential(stranger.organizations.get(), "stripe_key")
    ids = [str(credential.pk), str(theirs.pk)]

    answer = api.post(BULK, {"credential_ids": ids, "rate_limit": RATE})

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == ["credential_ids.1"]
    assert not RateLimit.objects.exists()


@pytest.mark.parametrize("verb", ["disable", "enable", "exchange", "secrets"])
def test_changing_takes_the_scope_write(make_client, organization, one, verb):
    reads = make_client(organization, Scope.READ)
    sent = {"properties": sample_properties(kinds.get("stripe_key"))} if verb == "secrets" else {}

    assert reads.post(f"{one}/{verb}", sent).status_code == 403


def test_limits_for_many_take_the_scope_write(make_client, organization, credential):
    reads = make_client(organization, Scope.READ)
    sent = {"credential_ids": [str(credential.pk)], "rate_limit": RATE}

    assert reads.post(BULK, sent).status_code == 403
