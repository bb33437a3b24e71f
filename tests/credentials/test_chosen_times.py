"""The ends that people enter are moments that every time zone and every database has."""

from datetime import UTC, datetime

import pytest
from django.utils import translation
from pydantic import ValidationError

from sequin_admin.access.models import User
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms.fields import plain_type
from sequin_admin.credentials.forms.oauth_app import OAuthAppForm
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.factories import make_credential, make_oauth_app, sample_properties

ENDS = [
    (kind, name)
    for kind in kinds.all()
    for name in kind.properties_class.names()
    if plain_type(kind.properties_class.model_fields[name].annotation) is datetime
]
# Python has none of the first two in UTC, PostgreSQL both; the others have no day in New York or in
# Tokyo.
NO_MOMENTS = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "9999-12-31T23:59:59Z",
]
SENTENCE = "Choose a time in the years 1970 to 2999."


@pytest.mark.parametrize("text", NO_MOMENTS)
@pytest.mark.parametrize(("kind", "name"), ENDS, ids=str)
def test_an_end_out_of_all_years_is_refused_for_every_kind_that_has_one(kind, name, text):
    with pytest.raises(ValidationError) as refused:
        kind.properties_class.model_validate({**sample_properties(kind), name: text})

    assert refused.value.errors()[0]["loc"] == (name,)
    assert SENTENCE in str(refused.value)


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_a_client_secrets_end_too(api, organization, text):
    app = {"provider": "hubspot", "name": "Ours", "client_id": "id-1", "client_secret": "s3cret-1"}

    refused = api.post("/v1/oauth-apps", {**app, "secret_ends_at": text})

    assert refused.status_code == 422
    assert list(refused.json()["validation_errors"]) == ["secret_ends_at"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_form_says_so_beside_the_field(organization, day):
    app = make_oauth_app(organization, "hubspot")
    form = OAuthAppForm.of(app, {"name": "Ours", "client_id": "id-1", "secret_ends_on": day})

    assert form.errors["secret_ends_on"] == ["Write a day of the years 1970 to 2999 as 2026-11-29."]


def test_the_picker_shows_a_stored_day_in_every_language(organization):
    """Shown as 01.02.2027 a browser would leave the field empty, and saving would drop the end."""
    app = make_oauth_app(organization, "hubspot", secret_ends_at=datetime(2027, 2, 1, tzinfo=UTC))

    with translation.override("de"):
        shown = str(OAuthAppForm.of(app)["secret_ends_on"])

    assert 'type="date"' in shown
    assert 'value="2027-02-01"' in shown


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_the_first_and_the_last_have_a_day_in_every_zone(client, organization, user, zone):
    User.objects.update(time_zone=zone)
    client.force_login(user)
    for at in ("1970-01-01T00:00:00+14:00", "2999-12-31T23:59:59-12:00"):
        end = {"refresh_token_expires_at": at}
        make_credential(organization, "servicenow_oauth2", properties=end, identity=at)
    for row in Credential.objects.all():
        row.save()
        assert client.get(f"/credentials/{row.pk}/token/").status_code == 200
    assert client.get("/expiry/").status_code == 200
    assert not OAuthApp.objects.exists()
