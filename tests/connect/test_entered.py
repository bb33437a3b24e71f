"""Edits and imports change, probe and audit only what differs."""

from datetime import timedelta

import pytest

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock, http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import input_names
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications.models import Delivery
from sequin_admin.tokens import grants, lifetimes
from sequin_admin.tokens.models import Token
from tests.dashboard.conftest import address
from tests.edit_forms import submit
from tests.factories import make_credential, sample_properties

WITH_FORM = [kind for kind in kinds.all() if kind.has_form()]


@pytest.fixture
def owner(client, user):
    client.force_login(user)
    return client


@pytest.fixture
def nobody_is_asked(monkeypatch):
    monkeypatch.setattr(http, "request", lambda *args, **kwargs: pytest.fail("a provider asked"))


def known(organization, kind):
    """A credential whose account is known, checked a while ago, with a living token."""
    discovered = {
        name: 7 if name == "user_id" else "acct_7"
        for name in kind.identity_properties
        if kind.properties_class.options_of(name).get("read_only")
    }
    credential = make_credential(organization, kind.slug, properties=discovered, check_due_at=None)
    if lifetimes.is_renewable(credential):
        grants.store_grant(credential, TokenGrant("at_living", expires_in_s=3600))
    return Credential.objects.get(pk=credential.pk)


def as_posted(credential):
    """What the edit form of a browser sends: secrets are blank."""
    names = input_names(credential.properties_class)
    public = {n: v for n, v in credential.properties.items() if n in names and v is not False}
    words = {n: " ".join(v) if isinstance(v, list) else str(v) for n, v in public.items()}
    return {**words, "display_name": credential.name}


def state_of(credential):
    """All that a change of the secrets or the account would change."""
    row = Credential.objects.get(pk=credential.pk)
    token = Token.objects.with_credential().filter(pk=credential.pk).first()
    columns = (row.properties, dict(row.secrets), row.identity, row.secrets_changed_at)
    held = (
        (token.version, token.lease_fence, token.refresh_at, dict(token.secrets)) if token else ()
    )
    return (*columns, row.check_due_at, row.checked_at, *held)


@pytest.mark.parametrize("kind", WITH_FORM, ids=lambda kind: kind.slug)
def test_renaming_changes_the_name_only(owner, organization, nobody_is_asked, kind):
    credential = known(organization, kind)
    before = state_of(credential)

    answer = submit(
        owner,
        address("credential_edit", credential.pk),
        {**as_posted(credential), "display_name": "Renamed"},
    )

    assert answer.status_code == 302, answer.context["form"].errors
    assert Credential.objects.get().name == "Renamed"
    assert state_of(credential) == before
    events = Event.objects.about(credential).values_list("action", "details__changed")
    assert list(events) == [("credential.changed", ["name"])]


@pytest.mark.parametrize("kind", WITH_FORM, ids=lambda kind: kind.slug)
def test_saving_an_unchanged_form_does_nothing(owner, organization, nobody_is_asked, kind):
    credential = known(organization, kind)
    before = state_of(credential)

    submit(owner, address("credential_edit", credential.pk), as_posted(credential))

    assert state_of(credential) == before
    assert not Event.objects.about(credential).exists()


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_importing_the_same_again_does_nothing(
    api, organization, make_channel, nobody_is_asked, kind, bulk
):
    make_channel()
    credential = known(organization, kind)
    before, delivered = state_of(credential), Delivery.objects.count()
    body = {"properties": credential.properties_with(credential.secrets)}

    answer = send(api, body, bulk=bulk)

    assert answer.status_code == 200, answer.content
    assert state_of(credential) == before
    assert not Event.objects.about(credential).exists()
    assert Delivery.objects.count() == delivered


def send(api, body, *, bulk):
    url = "/v1/credentials"
    return api.post(f"{url}/bulk", {"credentials": [body]}) if bulk else api.post(url, body)


@pytest.mark.parametrize("bulk", [False, True])
def test_a_new_name_by_import_is_audited_as_that(api, organization, nobody_is_asked, bulk):
    credential = known(organization, kinds.get("auth0_client_credentials"))
    before = state_of(credential)
    body = {"properties": credential.properties_with(credential.secrets), "name": "Renamed"}

    send(api, body, bulk=bulk)

    assert state_of(credential) == before
    assert Event.objects.about(credential).get().details["changed"] == ["name"]


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("slug", ["stripe_key", "auth0_client_credentials", "airtable_oauth2"])
def test_a_disabled_credential_stays_so(api, organization, nobody_is_asked, slug, bulk):
    credential = known(organization, kinds.get(slug))
    Credential.objects.update(disabled_at=clock.now())
    name = credential.properties_class.secret_names()[-1]
    secret = f"{credential.secrets[name]}_new"

    send(api, {"properties": credential.properties_with({name: secret})}, bulk=bulk)

    stored = Credential.objects.get()
    assert stored.disabled_at
    assert stored.secrets[name] == secret


def test_a_new_secret_is_audited_probed_and_throws_the_old_token_away(owner, organization, user):
    credential = known(organization, kinds.get("auth0_client_credentials"))
    before = Token.objects.get()

    submit(
        owner,
        address("credential_edit", credential.pk),
        {**as_posted(credential), "client_secret": "new"},
    )

    stored, token = Credential.objects.get(), Token.objects.get()
    assert stored.secrets["client_secret"] == "new"
    assert stored.checked_at
    assert (token.version, token.lease_fence) > (before.version, before.lease_fence)
    assert not token.is_valid(clock.now())
    event = Event.objects.about(credential).get(action="credential.secrets_replaced")
    assert event.details["changed"] == ["client_secret"]


def test_a_changed_property_is_not_audited_as_a_secret(owner, organization, nobody_is_asked):
    credential = known(organization, kinds.get("workday_oauth2"))
    endpoint = "https://impl.workday.com/sample/authorize2"
    token = Token.objects.get()

    credential_operations.replace_secrets(
        credential,
        credential.properties_class.model_validate(
            {
                **credential.masked_properties(),
                "authorization_endpoint": endpoint,
            }
        ),
        actor=None,
    )

    event = Event.objects.about(credential).get()
    assert (event.action, event.details["changed"]) == (
        "credential.changed",
        ["authorization_endpoint"],
    )
    assert Token.objects.get().version == token.version


def test_an_import_keeps_what_we_read_from_the_account(api, organization, nobody_is_asked):
    kind = kinds.get("airtable_oauth2")
    credential = known(organization, kind)
    credential.properties = {**credential.properties, "email": "paul@arrakis.test"}
    credential.save()

    send(api, {"properties": {**sample_properties(kind), "airtable_uid": "acct_7"}}, bulk=True)

    assert Credential.objects.get().properties["email"] == "paul@arrakis.test"


def test_entering_the_same_after_a_failure_has_it_tried_at_once(api, organization):
    credential = known(organization, kinds.get("hubspot_oauth2"))
    later = clock.now() + timedelta(days=1)
    Token.objects.update(failures=3, next_try_at=later, refresh_at=later)
    before = Token.objects.get()

    send(api, {"properties": credential.properties_with(credential.secrets)}, bulk=True)

    after = Token.objects.get()
    assert after.next_try_at is None
    assert after.refresh_at <= clock.now()
    assert (after.version, after.lease_fence) == (before.version, before.lease_fence)
    assert not Event.objects.about(credential).exists()
