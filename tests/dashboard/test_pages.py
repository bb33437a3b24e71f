"""The pages of credentials, OAuth apps and the audit log: actions and number of queries."""

import pytest

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.limits import models as limits
from tests.dashboard.conftest import address, age_login
from tests.edit_forms import submit
from tests.factories import make_credential, make_oauth_app

STRIPE = {"name": "Arrakis", "secret": "sk_test_arrakis0000000000000001", "test": "on"}


@pytest.mark.parametrize("rows", [3, 60])
@pytest.mark.parametrize(
    "path", ["/", "/credentials/", "/oauth-apps/", "/audit/", "/docs/kinds/", "/credentials/new/"]
)
def test_lists_ask_little_whatever_the_rows(
    owner, organization, user, path, rows, django_assert_max_num_queries
):
    app = make_oauth_app(organization, "hubspot")
    for number in range(rows):
        credential = make_credential(
            organization, "hubspot_oauth2", oauth_app=app, identity=str(number)
        )
        credential_operations.update_details(credential, name=f"Renamed {number}", actor=user)
        make_oauth_app(organization, "airtable", name=f"App {number}")

    with django_assert_max_num_queries(12):
        assert owner.get(path).status_code == 200


@pytest.mark.parametrize("events", [3, 60])
def test_one_credential_asks_little(
    owner, organization, user, events, django_assert_max_num_queries
):
    credential = make_credential(organization, "stripe_key")
    for number in range(events):
        credential_operations.update_details(credential, name=f"Renamed {number}", actor=user)
    # The first visit also writes into the session that it was viewed.
    owner.get(address("credential", credential.pk))

    with django_assert_max_num_queries(10):
        assert owner.get(address("credential", credential.pk)).status_code == 200


def test_a_key_is_saved_and_probed(owner, simulated):
    answer = owner.post(address("add", "stripe_key"), STRIPE, follow=True)

    stored = Credential.objects.get()
    assert stored.identity == "acct_1Arrakis0000001 True"
    assert stored.health_status == "healthy"
    assert answer.request["PATH_INFO"] == address("credential", stored.pk)


def test_bad_input_keeps_the_rest_and_saves_nothing(owner):
    answer = owner.post(address("add", "stripe_key"), {**STRIPE, "secret": "not-a-key"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Secret key does not have the form that the provider uses." in page
    assert 'value="Arrakis"' in page
    assert "not-a-key" not in page
    assert not Credential.objects.exists()


def test_editing_with_a_blank_secret_keeps_it(owner, organization):
    credential = make_credential(organization, "stripe_key")
    before = dict(credential.secrets)

    submit(
        owner,
        address("credential_edit", credential.pk),
        {"name": "New name", "secret": "", "test": "on", "display_name": "Shown name"},
    )

    stored = Credential.objects.get()
    assert stored.secrets == before
    assert stored.properties["name"] == "New name"
    assert stored.name == "Shown name"


def test_editing_replaces_the_secret(owner, organization):
    credential = make_credential(organization, "stripe_key")

    submit(owner, address("credential_edit", credential.pk), {**STRIPE, "secret": "sk_test_fresh"})

    assert Credential.objects.get().secrets == {"secret": "sk_test_fresh"}
    details = Event.objects.get(action="credential.secrets_replaced").details
    assert details["changed"] == ["secret"]


def test_the_key_of_another_account_is_refused(owner, organization, simulated):
    owner.post(address("add", "stripe_key"), STRIPE)
    credential = Credential.objects.get()

    answer = submit(
        owner,
        address("credential_edit", credential.pk),
        {**STRIPE, "secret": "sk_test_giediprime000000000000002"},
    )

    assert "this credential is for" in answer.content.decode()
    assert Credential.objects.get().secrets == credential.secrets


def test_search_and_filters_narrow_the_list(owner, organization):
    make_credential(organization, "stripe_key", name="Spice")
    make_credential(organization, "sendgrid_key", name="Water", health_status="healthy")

    def names(**query):
        page = owner.get("/credentials/", query).content.decode()
        return {name for name in ("Spice", "Water") if f">{name}</a>" in page}

    assert names() == {"Spice", "Water"}
    assert names(q="spi") == {"Spice"}
    assert names(provider="sendgrid") == {"Water"}
    assert names(kind="stripe_key") == {"Spice"}
    assert names(health="healthy") == {"Water"}
    assert names(health="unchecked") == {"Spice"}
    assert names(health="disabled") == set()


def test_htmx_gets_the_table_alone(owner, organization):
    make_credential(organization, "stripe_key", name="Spice")

    page = owner.get("/credentials/", headers={"HX-Request": "true"}).content.decode()

    assert "Spice" in page
    assert "<html" not in page


def test_deleting_takes_the_name(owner, organization):
    credential = make_credential(organization, "stripe_key", name="Spice")

    assert (
        owner.post(address("credential_delete", credential.pk), {"name": "spice"}).status_code
        == 422
    )
    assert Credential.objects.exists()
    owner.post(address("credential_delete", credential.pk), {"name": "Spice"})
    assert not Credential.objects.exists()


def test_secrets_show_after_a_fresh_login_and_an_audit_row(client, user, organization):
    credential = make_credential(organization, "stripe_key")
    secret = credential.secrets["secret"]
    client.force_login(user)
    age_login(client)
    assert "/accounts/reauthenticate/" in client.get(address("reveal", credential.pk))["Location"]

    client.post("/accounts/reauthenticate/", {"password": "spice must flow"})
    asked = client.get(address("reveal", credential.pk))
    assert secret not in asked.content.decode()
    assert not Event.objects.filter(action="credential.revealed").exists()
    shown = client.post(address("reveal", credential.pk))

    assert secret in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert Event.objects.get(action="credential.revealed").actor == user.email


def test_a_limit_is_saved_and_audited(owner, organization):
    credential = make_credential(organization, "stripe_key")
    sent = {"allowed_requests": 7, "interval": 500, "max_concurrent_requests": 0}

    submit(owner, address("limit", credential.pk), sent)

    assert limits.get_rate_limit(Credential.objects.get()).as_json() == sent
    assert Event.objects.get(action="rate_limit.changed").details["after"] == sent


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"allowed_requests": 0}, "Allow at least 1 request"),
        ({"interval": 60}, "The interval is in milliseconds; 100 is the shortest."),
        ({"max_concurrent_requests": -1}, "greater than or equal to 0"),
        ({"interval": "soon"}, "Enter a whole number."),
    ],
)
def test_an_impossible_limit_is_explained(owner, organization, change, sentence):
    credential = make_credential(organization, "stripe_key")
    sent = {"allowed_requests": 7, "interval": 1000, "max_concurrent_requests": 0, **change}

    answer = submit(owner, address("limit", credential.pk), sent)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_an_oauth_app_is_added_edited_and_deleted(owner):
    sent = {"name": "Ours", "client_id": "id-1", "client_secret": "s3cret", "scopes": "a b"}
    owner.post(address("oauth_app_add", "hubspot"), sent)
    app = OAuthApp.objects.get()
    assert (app.scopes, app.secrets) == (["a", "b"], {"client_secret": "s3cret"})

    submit(
        owner, address("oauth_app_edit", app.pk), {**sent, "name": "Renamed", "client_secret": ""}
    )
    app = OAuthApp.objects.get()
    assert (app.name, app.secrets) == ("Renamed", {"client_secret": "s3cret"})

    owner.post(address("oauth_app_delete", app.pk))
    assert not OAuthApp.objects.exists()


def test_a_new_app_secret_lets_its_credentials_be_probed_again(owner, organization):
    app = make_oauth_app(organization, "hubspot")
    waiting = make_credential(organization, "hubspot_oauth2", oauth_app=app, check_due_at=None)
    sent = {"name": "Ours", "client_id": "ignored", "client_secret": "new"}

    submit(owner, address("oauth_app_edit", app.pk), sent)

    waiting.refresh_from_db()
    assert waiting.check_due_at
    assert OAuthApp.objects.get().client_id == "client-id"


@pytest.mark.parametrize(
    "uri", ["ftp://x.test/cb", "/relative", "https://x.test/cb#part", "http://x.test/cb"]
)
def test_a_bad_redirect_uri_is_refused(owner, uri):
    sent = {"name": "Ours", "client_id": "i", "client_secret": "s", "redirect_uris": uri}

    answer = owner.post(address("oauth_app_add", "hubspot"), sent)

    assert "is not an absolute https address" in answer.content.decode()


def test_connecting_without_an_app_leads_to_making_one(owner):
    page = owner.get(address("connect", "hubspot_oauth2")).content.decode()

    assert "First add an OAuth app" in page
    assert address("oauth_app_add", "hubspot") in page


def test_what_is_asked_before_connecting_is_checked(owner, organization):
    app = make_oauth_app(organization, "shopify")
    sent = {"oauth_app": str(app.pk), "shop": "evil.example/?x=.myshopify.com"}

    answer = owner.post(address("connect", "shopify_oauth2"), sent)

    assert answer.status_code == 422
    assert "Shop does not have the form that the provider uses." in answer.content.decode()


def test_the_audit_log_can_be_narrowed(owner, organization, user):
    credential = make_credential(organization, "stripe_key", name="Spice")
    credential_operations.disable(credential, actor=user)
    credential_operations.enable(credential, actor=None)

    def rows(**query):
        return owner.get("/audit/", query).content.decode().count("data-row")

    assert rows() == 2
    assert rows(actor="paul") == 1
    assert rows(action="credential.enabled") == 1
    assert rows(target="spi") == 2
    assert rows(target="nothing") == 0


def test_every_kind_is_documented(owner):
    page = owner.get("/docs/kinds/").content.decode()

    assert page.count("card card-flush section-gap") == 20
    assert "specification" in page
    assert "ours" in page
