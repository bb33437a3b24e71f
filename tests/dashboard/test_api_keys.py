"""The API keys page."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey
from sequin_admin.core import clock

URL = reverse("dashboard:api_keys")
ADD = reverse("dashboard:api_key_add")
GOOD = {"name": "sync worker", "scopes": ["read", "permits"], "days": "30"}


@pytest.fixture
def key(organization, user):
    made, _ = keys.create(organization, name="harvester", scopes=["read"], actor=user)
    return made


def token_in(page: str) -> str:
    return re.search(r"sqn_[\w-]+", page)[0]


def test_token_is_shown_once_and_works(client, user, organization):
    client.force_login(user)

    created = client.post(ADD, GOOD)
    token = token_in(created.content.decode())

    key = keys.find(token)
    assert key.organization == organization
    assert key.scopes == ["permits", "read"]
    assert timedelta(days=29) < key.expires_at - clock.now() <= timedelta(days=30)
    assert token not in client.get(URL).content.decode()
    assert token not in str(dict(client.session))


def test_page_with_the_token_is_not_kept_by_the_browser(client, user):
    client.force_login(user)

    created = client.post(ADD, GOOD)

    assert "no-store" in created["Cache-Control"]


def test_key_without_end(client, user):
    client.force_login(user)

    client.post(ADD, {**GOOD, "days": ""})

    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize(
    "mistake", [{"name": ""}, {"scopes": []}, {"scopes": ["everything"]}, {"days": "-1"}]
)
def test_mistakes_keep_the_form_and_make_no_key(client, user, mistake):
    client.force_login(user)

    response = client.post(ADD, {**GOOD, "name": "sync worker", **mistake})

    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not ApiKey.objects.exists()


def test_revoked_key_is_refused(client, user, organization):
    key, token = keys.create(organization, name="old", scopes=["read"], actor=user)
    revoke = reverse("dashboard:api_key_revoke", args=[key.pk])
    client.force_login(user)

    asked = client.get(revoke)
    client.post(revoke)

    assert "refused at once" in asked.content.decode()
    assert keys.find(token) is None
    assert "Revoked" in client.get(URL).content.decode()


def test_viewer_sees_keys_and_may_not_make_them(client, viewer, key):
    client.force_login(viewer)

    page = client.get(URL).content.decode()
    made = client.post(ADD, GOOD)
    revoked = client.post(reverse("dashboard:api_key_revoke", args=[key.pk]))

    assert "harvester" in page
    assert ADD not in page
    assert made.status_code == revoked.status_code == 403


def test_keys_of_others_are_not_found(client, stranger, key):
    client.force_login(stranger)

    page = client.get(URL).content.decode()
    revoked = client.post(reverse("dashboard:api_key_revoke", args=[key.pk]))

    assert "harvester" not in page
    assert revoked.status_code == 404


def test_anonymous_is_sent_to_sign_in(client, db):
    assert client.get(URL).url == f"{reverse('account_login')}?next={URL}"


def test_making_is_a_post(client, user):
    client.force_login(user)

    assert client.get(ADD).status_code == 405


def test_queries_do_not_grow_with_keys(client, user, organization, django_assert_max_num_queries):
    for number in range(60):
        keys.create(organization, name=f"key {number}", scopes=["read"], actor=None)
    client.force_login(user)

    with django_assert_max_num_queries(10):
        client.get(URL)
