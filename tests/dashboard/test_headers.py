"""Headers that every response has."""

import pytest
from django.http import HttpResponse
from django.urls import reverse

from sequin_admin.dashboard.message_storage import HostMessageStorage
from sequin_admin.dashboard.urls import urlpatterns

# Badges are asked for again and again with their ETag, and hold no more than a status; the style
# sheet of a preview has colours alone.
KEPT = ("badges", "branding_style")
PAGES = [p.name for p in urlpatterns if not p.pattern.converters and p.name not in KEPT]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_kept_by_a_cache(client, user, name):
    client.force_login(user)

    page = client.get(reverse(f"dashboard:{name}"))

    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/v1/credentials", "/healthz", "/metrics", "/admin/login/", "/x"]
)
def test_no_other_response_is_kept_by_a_cache_either(client, db, path):
    assert "no-store" in client.get(path)["Cache-Control"]


def test_static_files_stay_in_the_cache(client, db):
    file = client.get("/static/js/copy.js")
    file.close()

    assert "no-store" not in file["Cache-Control"]


@pytest.mark.parametrize("path", ["/accounts/login/", "/v1/credentials", "/static/js/copy.js"])
def test_powers_of_the_browser_that_no_page_uses_are_off(client, db, path):
    response = client.get(path)
    response.close()

    policy = response["Permissions-Policy"]
    assert "camera=()" in policy
    assert "publickey-credentials-get=(self)" in policy


def test_htmx_stores_no_pages_in_the_browser(client, user):
    client.force_login(user)

    page = client.get("/").content.decode()

    assert '"historyCacheSize": 0' in page


def test_messages_of_this_host_only_come_back(rf):
    """Under https `MESSAGE_STORAGE` names this storage."""
    request, response = rf.get("/"), HttpResponse()
    request.session = {}
    storage = HostMessageStorage(request)
    storage.add(20, "Saved.")
    storage.update(response)

    assert [*response.cookies] == ["__Host-messages"]
    request.COOKIES["__Host-messages"] = response.cookies["__Host-messages"].value
    assert [str(message) for message in HostMessageStorage(request)] == ["Saved."]
