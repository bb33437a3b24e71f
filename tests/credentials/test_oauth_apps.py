"""Actions on OAuth apps, and their audit events."""

import pytest
from django.core.exceptions import ValidationError

from sequin_admin.audit.models import Event
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.credentials.forms import RedirectURIsField
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.credentials.usage import InUse
from tests.factories import PEM, make_credential, make_oauth_app


def properties(provider="hubspot", **values):
    return kinds.oauth_of(provider).app.model_validate({"client_secret": "secret-1", **values})


def create(organization, actor=None, **values):
    given = {"name": "Ours", "client_id": "id-1", "properties": properties(), **values}
    return oauth_apps.create(organization, "hubspot", actor=actor, **given)


def test_creating_seals_the_secret_and_is_audited(organization, user):
    app = create(organization, user, scopes=["oauth"])

    stored = OAuthApp.objects.get()
    assert stored.secrets == {"client_secret": "secret-1"}
    assert "client_secret" not in stored.properties
    event = Event.objects.about(app).get()
    assert (event.action, event.actor) == ("oauth_app.created", user.email)
    assert "secret-1" not in str(event.details)


def test_github_keeps_its_key_beside_the_secret(organization):
    given = properties("github", app_id="1", slug="ours", private_key=PEM)

    app = oauth_apps.create(
        organization, "github", actor=None, name="Ours", client_id="id", properties=given
    )

    assert app.properties["slug"] == "ours"
    assert set(app.secrets) >= {"client_secret", "private_key"}


def test_changing_says_what_and_not_to_what(organization, user):
    app = create(organization)

    oauth_apps.update(
        app, actor=user, name="Renamed", properties=properties(client_secret="secret-2")
    )

    app.refresh_from_db()
    assert (app.name, app.secrets["client_secret"]) == ("Renamed", "secret-2")
    event = Event.objects.about(app).get(action="oauth_app.changed")
    assert event.details == {"changed": ["name", "client_secret"]}


def test_changing_nothing_is_no_event(organization):
    app = create(organization)

    oauth_apps.update(app, actor=None, name=app.name, properties=properties())

    assert not Event.objects.filter(action="oauth_app.changed").exists()


def test_an_app_in_use_stays(organization):
    app = make_oauth_app(organization, "hubspot")
    make_credential(organization, "hubspot_oauth2", oauth_app=app)

    with pytest.raises(InUse, match=r"is used by 1 credential: .* reconnect"):
        oauth_apps.delete(app, actor=None)

    assert OAuthApp.objects.exists()


def test_an_unused_app_goes_and_leaves_its_history(organization):
    app = create(organization)
    pk = app.pk

    oauth_apps.delete(app, actor=None)

    assert not OAuthApp.objects.exists()
    assert Event.objects.filter(target_id=str(pk)).count() == 2


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("https://a.test/done?x=1", True),
        ("http://localhost:3000/done", True),
        ("http://127.0.0.1:3000/", True),
        ("http://[::1]/", True),
        ("http://a.test/done", False),
        ("http://10.0.0.1/done", False),
        ("http://127.0.0.1.a.test/", False),
        ("http://localhost@a.test/", False),
        ("http://[::2]/", False),
    ],
)
def test_a_redirect_uri_without_tls_is_for_loopback_only(uri, good):
    field = RedirectURIsField()

    if good:
        assert field.clean(uri) == [uri]
    else:
        with pytest.raises(ValidationError, match="http is only for localhost"):
            field.clean(uri)
