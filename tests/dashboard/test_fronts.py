"""The fronts of OAuth apps, syncs, targets and consumers, and those of API keys and streams."""

import pytest

from sequin_admin.access import keys
from sequin_admin.syncs import streams
from tests.dashboard.test_credential_tabs import text_of
from tests.factories import make_credential, make_oauth_app, make_synced

TABS = {
    "oauth-apps": ("", "guide/", "history/", "danger/"),
    "syncs": ("", "badge/", "history/", "danger/"),
    "targets": ("", "history/", "danger/"),
    "consumers": ("", "history/", "danger/"),
}


@pytest.fixture
def rows(organization):
    app = make_oauth_app(organization, "hubspot")
    sync, target, consumer = make_synced(
        make_credential(organization, "hubspot_oauth2", oauth_app=app)
    )
    return {"oauth-apps": app, "syncs": sync, "targets": target, "consumers": consumer}


@pytest.mark.parametrize("area", TABS)
def test_its_tabs_ask_little_and_name_what_depends_on_it(
    owner, rows, area, django_assert_max_num_queries
):
    owner.get("/")  # writes down that the session is used, once a minute
    needed = {"oauth-apps": "1 credential", "consumers": "1 sync"}.get(area, "1 consumer")
    for tab in TABS[area]:
        with django_assert_max_num_queries(12):
            answer = owner.get(f"/{area}/{rows[area].pk}/{tab}")

        assert needed in text_of(answer)
        assert answer.content.decode().count("btn-primary") <= 1


def test_an_app_that_was_never_used_is_not_said_to_be_checked(owner, rows):
    said = text_of(owner.get(f"/oauth-apps/{rows['oauth-apps'].pk}/"))

    assert "Shown after the first use" in said
    assert "within a minute" not in said


def test_a_key_says_whose_move_it_is_and_has_one_button(owner, organization, user):
    key, _ = keys.create(organization, name="worker", scopes=["read"], actor=user)
    path = f"/api-keys/{key.pk}/"
    steps = {"active": lambda: None, "rotating": lambda: keys.rotate(key, actor=user)}
    steps["revoked"] = lambda: keys.revoke(key, actor=user)
    said = {}
    for state, step in steps.items():
        step()
        answer = owner.get(path)
        said[state] = text_of(answer)
        assert answer.content.decode().count("btn-primary") == 1

    assert "Nobody has used it yet." in said["active"]
    assert "Ours, to give the new token to every program" in said["rotating"]
    assert "Every program that sends it is refused." in said["revoked"]


def test_a_stream_names_what_writes_to_it(owner, organization, user):
    dev, prod = (streams.create(organization, actor=user, slug=slug) for slug in ("dev", "prod"))
    make_synced(make_credential(organization, "stripe_key"), stream=prod)

    assert "Not used yet" in text_of(owner.get(f"/streams/{dev.pk}/"))
    used = owner.get(f"/streams/{prod.pk}/")
    assert f'href="/syncs/?stream={prod.pk}">1' in used.content.decode()
    assert "In use" in text_of(used)
