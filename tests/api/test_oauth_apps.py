"""/v1/oauth-apps"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.credentials.properties import MASK
from tests.factories import PEM, make_credential, make_oauth_app

URL = "/v1/oauth-apps"
HUBSPOT = {"provider": "hubspot", "name": "Ours", "client_id": "id-1", "client_secret": "s3cret-1"}


def test_from_creation_to_deletion(api):
    made = api.post(URL, {**HUBSPOT, "metadata": {"team": "sync"}})
    assert made.status_code == 201, made.content
    one = f"{URL}/{made.json()['id']}"

    assert made.json()["client_secret"] == MASK
    assert api.get(one).json() == made.json()
    assert api.patch(one, {"client_secret": "s3cret-2"}).status_code == 200
    assert OAuthApp.objects.get().secrets["client_secret"] == "s3cret-2"
    assert [row["id"] for row in api.get(URL, provider="hubspot").json()["data"]] == [
        made.json()["id"]
    ]
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


def test_a_github_app_has_more(api):
    more = {"app_id": "310104", "slug": "ours", "private_key": PEM}

    answer = api.post(URL, {**HUBSPOT, "provider": "github", "properties": more})

    assert answer.status_code == 201
    assert answer.json()["properties"] == {"app_id": "310104", "slug": "ours"}
    assert "BEGIN" not in answer.content.decode()


def test_what_is_missing_is_named(api):
    answer = api.post(URL, {**HUBSPOT, "provider": "github"})

    assert answer.status_code == 422
    assert "properties.private_key" in answer.json()["validation_errors"]
    assert "s3cret" not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"provider": "stripe_key"}, "provider"),
        ({"provider": "sendgrid"}, "provider"),
        ({"name": " "}, "name"),
        ({"client_secret": ""}, "client_secret"),
        ({"scopes": ["two words"]}, "scopes.0"),
        ({"redirect_uris": ["https://a.test/done", "javascript:alert(1)"]}, "redirect_uris.1"),
        ({"redirect_uris": ["https://a.test/#part"]}, "redirect_uris.0"),
        ({"redirect_uris": ["http://a.test/done"]}, "redirect_uris.0"),
        ({"redirect_uris": ["http://127.0.0.1.a.test/done"]}, "redirect_uris.0"),
        ({"redirect_uris": ["http://localhost@a.test/done"]}, "redirect_uris.0"),
        ({"properties": {"colour": "blue"}}, "properties.colour"),
    ],
)
def test_bad_input_names_its_field(api, change, path):
    answer = api.post(URL, {**HUBSPOT, **change})

    assert list(answer.json()["validation_errors"]) == [path]
    assert not OAuthApp.objects.exists()


@pytest.mark.parametrize("column", ["client_id", "provider"])
def test_what_tokens_belong_to_cannot_change(api, organization, column):
    app = make_oauth_app(organization, "hubspot")

    answer = api.patch(f"{URL}/{app.pk}", {column: "other"})

    assert list(answer.json()["validation_errors"]) == [column]


def test_an_app_in_use_is_not_deleted(api, organization):
    app = make_oauth_app(organization, "hubspot")
    make_credential(organization, "hubspot_oauth2", oauth_app=app)

    answer = api.delete(f"{URL}/{app.pk}")

    assert answer.status_code == 409
    assert "is used by 1 credential" in answer.json()["summary"]
    assert "can't be renewed" in answer.json()["summary"]


def test_plain_secrets_take_a_scope_of_their_own(api, organization):
    make_oauth_app(organization, "hubspot")

    assert api.get(URL, truncate_secrets="false").status_code == 403


def test_plain_secrets_are_audited(make_client, organization):
    app = make_oauth_app(organization, "hubspot")
    client = make_client(organization, Scope.READ, Scope.SECRETS)

    answer = client.get(URL, truncate_secrets="false")

    assert answer.json()["data"][0]["client_secret"] == app.secrets["client_secret"]
    assert Event.objects.about(app).filter(action="oauth_app.revealed").exists()
