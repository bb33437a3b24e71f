"""The fronts of OAuth apps, syncs and targets."""

import pytest

from tests.dashboard.test_credential_tabs import text_of
from tests.factories import make_credential, make_oauth_app, make_synced

TABS = {
    "oauth-apps": ("", "guide/", "history/", "danger/"),
    "syncs": ("", "badge/", "history/", "danger/"),
    "targets": ("", "history/", "danger/"),
}


@pytest.fixture
def rows(organization):
    app = make_oauth_app(organization, "hubspot")
    sync, target, _ = make_synced(make_credential(organization, "hubspot_oauth2", oauth_app=app))
    return {"oauth-apps": app, "syncs": sync, "targets": target}


@pytest.mark.parametrize("area", TABS)
def test_its_tabs_ask_little_and_name_what_depends_on_it(
    owner, rows, area, django_assert_max_num_queries
):
    needed = "1 credential" if area == "oauth-apps" else "1 consumer"
    for tab in TABS[area]:
        with django_assert_max_num_queries(12):
            answer = owner.get(f"/{area}/{rows[area].pk}/{tab}")

        assert needed in text_of(answer)
        assert answer.content.decode().count("btn-primary") <= 1


def test_an_app_that_was_never_used_is_not_said_to_be_checked(owner, rows):
    said = text_of(owner.get(f"/oauth-apps/{rows['oauth-apps'].pk}/"))

    assert "Shown after the first use" in said
    assert "within a minute" not in said
