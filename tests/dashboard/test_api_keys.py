"""The API keys page."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, ApiKeyState
from sequin_admin.core import clock
from tests.edit_forms import submit

URL = reverse("dashboard:api_keys")
ADD = reverse("dashboard:api_key_add")
GOOD = {"name": "sync worker", "scopes": ["read", "permits"], "days": "30"}
BOUND = {"networks": "10.1.2.3/8\n2001:db8::/32", "requests_per_minute": "600"}


@pytest.fixture
def key(organization, user):
    made, _ = keys.create(organization, name="harvester", scopes=["read"], actor=user)
    return made


def page_of(key, verb=""):
    return reverse(f"dashboard:api_key{verb and '_'}{verb}", args=[key.pk])


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


def test_key_with_networks_and_a_limit(client, user):
    client.force_login(user)

    client.post(ADD, {**GOOD, **BOUND})

    key = ApiKey.objects.get()
    assert key.networks == ["10.0.0.0/8", "2001:db8::/32"]
    assert key.requests_per_minute == 600


MISTAKES = [
    {"name": ""},
    {"scopes": []},
    {"scopes": ["everything"]},
    {"days": "-1"},
    {"networks": "10.0.0.0/8, sand"},
    {"networks": "\n".join(f"10.0.{n}.0/24" for n in range(101))},
    {"requests_per_minute": "0"},
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_keep_the_form_and_make_no_key(client, user, mistake):
    client.force_login(user)

    response = client.post(ADD, {**GOOD, "name": "sync worker", **mistake})

    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_change_nothing(client, user, key, mistake):
    client.force_login(user)

    response = submit(client, page_of(key, "edit"), {**GOOD, **mistake})

    assert response.status_code == 422
    assert ApiKey.objects.get().version == key.version


def test_editing_changes_what_was_changed_and_keeps_the_end(client, user, organization):
    ends = clock.now() + timedelta(days=3)
    key, token = keys.create(
        organization, name="old", scopes=["read"], expires_at=ends, actor=user, networks=["::/0"]
    )
    client.force_login(user)
    form = client.get(page_of(key, "edit")).context["form"]

    sent = {**form.initial, "requests_per_minute": "", "name": "new", "scopes": ["write"]}
    saved = submit(client, page_of(key, "edit"), sent, follow=True)

    changed = keys.find(token)
    assert (changed.name, changed.scopes, changed.networks) == ("new", ["write"], ["::/0"])
    assert changed.expires_at == ends
    assert "It holds for the next call already" in saved.content.decode()


def test_rotating_shows_the_new_token_once_and_keeps_the_old_one_as_long_as_chosen(
    client, user, organization
):
    key, old = keys.create(organization, name="worker", scopes=["read"], actor=user)
    client.force_login(user)

    shown = client.post(page_of(key, "rotate"), {"hours": "72"})
    new = token_in(shown.content.decode())

    assert "no-store" in shown["Cache-Control"]
    assert keys.find(old) == keys.find(new) == key
    left = ApiKey.objects.get().former_until - clock.now()
    assert timedelta(hours=71) < left <= timedelta(hours=72)
    page = client.get(page_of(key)).content.decode()
    assert new not in page
    assert "some program still has it" in page
    client.post(page_of(key, "end_former"))
    assert keys.find(old) is None
    assert keys.find(new) == key


def test_a_rotation_without_a_choice_asks_again(client, user, key):
    client.force_login(user)

    assert client.get(page_of(key, "rotate")).status_code == 200
    assert client.post(page_of(key, "rotate"), {"hours": "1000"}).status_code == 422
    assert ApiKey.objects.get().version == key.version


def test_what_is_revoked_is_only_shown(client, user, key):
    client.force_login(user)
    keys.revoke(key, actor=user)

    page = client.get(page_of(key)).content.decode()
    rotated = client.post(page_of(key, "rotate"), {"hours": "0"}, follow=True).content.decode()
    edited = submit(client, page_of(key, "edit"), GOOD, follow=True).content.decode()

    for verb in ("rotate", "edit", "revoke"):
        assert page_of(key, verb) not in page
    assert "a new token would open nothing" in rotated
    assert "is revoked, which is for good" in edited


@pytest.mark.parametrize("state", ["active", "rotating", "expired", "revoked"])
def test_the_list_says_how_each_key_stands(client, user, key, state):
    client.force_login(user)
    if state == "rotating":
        keys.rotate(key, actor=None)
    elif state == "expired":
        ApiKey.objects.update(expires_at=clock.now())
    elif state == "revoked":
        keys.revoke(key, actor=None)

    page = client.get(URL).content.decode()

    assert ApiKeyState(state).label in page


def test_revoked_key_is_refused(client, user, organization):
    key, token = keys.create(organization, name="old", scopes=["read"], actor=user)
    revoke = reverse("dashboard:api_key_revoke", args=[key.pk])
    client.force_login(user)

    asked = client.get(revoke)
    client.post(revoke)

    assert "is refused at its next request" in asked.content.decode()
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


def test_looking_at_the_form_makes_nothing(client, user):
    client.force_login(user)

    assert client.get(ADD).status_code == 200
    assert not ApiKey.objects.exists()


def test_queries_do_not_grow_with_keys(client, user, organization, django_assert_max_num_queries):
    for number in range(60):
        keys.create(organization, name=f"key {number}", scopes=["read"], actor=None)
    client.force_login(user)

    with django_assert_max_num_queries(10):
        client.get(URL)
