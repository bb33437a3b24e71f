"""A login older than the timeout gives no power: it is asked again, before the form is shown."""

from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Invitation, Membership, Scope, User
from sequin_admin.audit.models import Event
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.dashboard.middleware import FRESH_LOGIN_PAGES
from sequin_admin.notifications.models import Channel
from sequin_admin.syncs.models import Target
from tests.dashboard import test_doors
from tests.dashboard.conftest import age_login

ENDS = "Takes power away; stopping a leak must not wait."
USES = "Uses what is stored and shows no secret."
OWN = "Takes a secret of the customer's, and gives none."
WORK = "Describes syncs; gives no access to secrets."
SEEN = "Notes what the person has seen."
# POST pages without a fresh login, and why.
NOT_FRESH = {
    "api_key_end_former": ENDS, "api_key_revoke": ENDS, "connect_link_revoke": ENDS,
    "disable": ENDS, "credential_delete": ENDS, "oauth_app_delete": ENDS,
    "channel_disable": ENDS, "channel_delete": ENDS, "target_delete": ENDS,
    "batch_withdraw": ENDS, "staff_access_end": ENDS, "calendar_revoke": ENDS,
    "organization_stay": "Undoes an end.",
    "demo_remove": ENDS, "tour_look": SEEN, "tour_dismiss": SEEN,
    "invitation_withdraw": ENDS, "leftovers": ENDS,
    "verify": USES, "exchange": USES, "enable": USES, "channel_test": USES,
    "channel_enable": USES, "delivery_redeliver": USES, "target_test": USES,
    "collections_refresh": USES,
    **dict.fromkeys(
        ("cause_take", "cause_release", "cause_mute", "cause_unmute", "cause_note"),
        "Says who looks after a fault, and who hears of it.",
    ),
    "add": OWN, "connect": OWN, "reconnect": OWN, "replace_account": OWN,
    "reconnect_link": OWN, "connect_link_new": OWN, "connect_links_bulk": OWN,
    "connect_link_edit": "Changes what the credential to come is called.",
    "connect_link_send": "Goes to the contact alone, and has our link alone.",
    "batch_send": "Goes to the contacts alone, and has our links alone.",
    "limit": "Slows or hastens calls; the provider's limit still holds.",
    "limits_bulk": "Slows or hastens calls; the provider's limit still holds.",
    "switch_organization": "Goes to an organization where the person is a member already.",
    **dict.fromkeys(
        ("saved_view_new", "saved_view_delete", "list_columns"),
        "Changes how the person sees a list.",
    ),
    "export_new": "Makes a file of what the person sees, without secrets.",
    "sync_unpublish": ENDS, "sync_publish": "Publishes a status without data.",
    **dict.fromkeys(
        ("add_sync", "sync_new", "sync_edit", "sync_disable", "sync_enable", "sync_delete"), WORK
    ),
    "sync_pause": ENDS, "run_cancel": ENDS,
    **dict.fromkeys(
        ("sync_resume", "sync_resync", "sync_confirm_deletes"),
        "Lets an engine that has a key go on; gives no access to secrets.",
    ),
    **dict.fromkeys(("stream_new", "stream_edit", "stream_delete"), WORK),
    **dict.fromkeys(("consumer_new", "consumer_edit", "consumer_delete"), WORK),
}  # fmt: skip
PROVES = "Is where somebody proves who they are."
ALLAUTH_NOT_FRESH = {
    "account_login": PROVES, "account_logout": ENDS, "usersessions_list": ENDS,
    "account_reauthenticate": PROVES,
    "mfa_authenticate": PROVES, "mfa_reauthenticate": PROVES, "mfa_login_webauthn": PROVES,
    "mfa_reauthenticate_webauthn": PROVES, "account_confirm_login_code": PROVES,
    "socialaccount_signup": "Is closed.", "socialaccount_login_cancelled": "Shows a sentence.",
    "socialaccount_login_error": "Shows a sentence.",
    None: "Redirects of former addresses.",
    "account_signup": "Is closed.", "account_inactive": "Shows a sentence.",
    "account_email_verification_sent": "Shows a sentence.",
    "account_confirm_email": "The link in the mail proves the mailbox.",
    "account_reset_password": "Mails the owner of the address.",
    "account_reset_password_done": "Shows a sentence.",
    "account_reset_password_from_key": "The link in the mail proves the mailbox.",
    "account_reset_password_from_key_done": "Shows a sentence.",
    "mfa_index": "Lists factors, without a form.",
    "mfa_list_webauthn": "Lists passkeys, without a form.",
}  # fmt: skip
CONFIRM = "/accounts/reauthenticate/"
PARKED = "account_reauthentication_state"
CANARY = "canary-of-a-typed-secret"
KEY = {"name": "thief", "scopes": ["secrets", "keys"], "days": "30"}

address, ids, FRESH = test_doors.address, test_doors.ids, test_doors.FRESH


@pytest.fixture
def stale(client, user):
    """A session of an owner who logged in two hours ago."""
    client.force_login(user)
    age_login(client)
    return client


def is_confirmation(answer):
    return answer.status_code == 302 and answer["Location"].startswith(CONFIRM)


def is_to_login(answer):
    return answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")


def posts(client, url):
    return client.post(url).status_code != 405


@pytest.mark.parametrize("name", sorted(FRESH))
def test_a_page_that_gives_power_asks_again(stale, address, name):
    url, before = address(name), Event.objects.count()

    shown = stale.get(url)
    sent = stale.post(url)

    assert shown.status_code == 405 or is_confirmation(shown)
    assert shown.status_code == 405 or shown["Location"] == f"{CONFIRM}?{urlencode({'next': url})}"
    assert sent.status_code in (403, 405) or is_confirmation(sent)
    assert PARKED not in stale.session
    assert Event.objects.count() == before


@pytest.mark.parametrize("name", sorted(FRESH))
def test_a_confirmed_login_gets_in(stale, address, name):
    stale.post(CONFIRM, {"password": "spice must flow"})

    assert not is_confirmation(test_doors.open_door(stale, address(name)))


def test_every_page_that_takes_a_post_has_decided(stale, address, settings):
    """What a POST does is undone, also to the login."""
    cookie, wrong = settings.SESSION_COOKIE_NAME, []
    session = stale.cookies[cookie].value

    for name in test_doors.NAMES:
        with transaction.atomic():
            takes_post = posts(stale, address(name))
            transaction.set_rollback(True)
        stale.cookies[cookie] = session
        shown = stale.get(address(name))
        if takes_post and name not in FRESH and name not in NOT_FRESH:
            wrong.append((name, "undecided"))
        if name not in FRESH and is_confirmation(shown):
            wrong.append((name, "asks"))
        if is_to_login(shown):
            wrong.append((name, "logged out"))

    assert not FRESH & NOT_FRESH.keys()
    assert wrong == []


def names_of_allauth():
    from allauth.urls import urlpatterns

    def walk(patterns):
        for pattern in patterns:
            yield from walk(pattern.url_patterns) if hasattr(pattern, "url_patterns") else [pattern]

    return {pattern.name for pattern in walk(urlpatterns)}


def test_every_page_of_allauth_has_decided():
    assert names_of_allauth() == FRESH_LOGIN_PAGES | ALLAUTH_NOT_FRESH.keys()


@pytest.mark.parametrize("name", sorted(FRESH_LOGIN_PAGES))
def test_a_page_about_the_account_asks_again_and_parks_nothing(stale, name):
    url = reverse(name, args=[1] if name in ("mfa_edit_webauthn", "mfa_remove_webauthn") else [])

    assert is_confirmation(stale.get(url))
    assert is_confirmation(stale.post(url, {"code": CANARY, "email": "thief@b.test"}))
    assert PARKED not in stale.session
    assert CANARY not in str(dict(stale.session))


def test_body_is_not_parked_where_allauth_asks_on_its_own(client, user):
    client.force_login(user)  # new enough for us; allauth wants a confirmation of its own

    answer = client.post(reverse("mfa_activate_totp"), {"code": CANARY})

    assert is_confirmation(answer)
    assert PARKED not in client.session


@pytest.mark.parametrize("name", ["password_change", "access_organization_add", "auth_group_add"])
def test_a_staff_form_asks_again(stale, user, name):
    User.objects.update(is_staff=True, is_superuser=True)
    url = reverse(f"admin:{name}")

    assert is_confirmation(stale.get(url))
    assert is_confirmation(stale.post(url))


def test_staff_looks_without_being_asked_and_changes_nothing(stale, user):
    User.objects.update(is_staff=True, is_superuser=True)
    url = reverse("admin:access_user_changelist")

    assert stale.get(url).status_code == 200
    assert is_confirmation(stale.post(url, {"action": "delete_selected"}))


def test_an_old_session_mints_no_key(stale, organization):
    answer = stale.post(reverse("dashboard:api_key_add"), KEY)

    assert answer.status_code == 403
    assert not ApiKey.objects.exists()
    assert "sqn_" not in answer.content.decode()


def test_an_old_session_widens_no_key(stale, organization, user):
    key, _ = keys.create(organization, name="reader", scopes=["read"], actor=user)

    stale.post(reverse("dashboard:api_key_edit", args=[key.pk]), KEY)

    assert ApiKey.objects.get().scopes == [Scope.READ]


FORMS = [
    (
        "oauth_app_add", ["hubspot"], OAuthApp, "Our registration",
        {"name": "Our registration", "client_id": "abc", "client_secret": CANARY},
    ),
    (
        "target_new", [], Target, "db.arrakis.test",
        {"name": "w", "host": "db.arrakis.test", "port": "5432", "database": "d",
         "username": "u", "password": CANARY, "ssl_mode": "require"},
    ),
    (
        "channel_add", ["slack"], Channel, "Our channel",
        {"name": "Our channel", "address": f"https://hooks.slack.com/services/{CANARY}",
         "min_severity": "warning", "time_zone": "UTC"},
    ),
    (
        "member_add", [], Invitation, "feyd@arrakis.test",
        {"email": "feyd@arrakis.test", "role": "owner"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "model", "kept", "data"), FORMS)
def test_a_form_whose_login_ran_out_keeps_its_fields_but_secrets(
    stale, name, args, model, kept, data
):
    before = model.objects.count()
    answer = stale.post(reverse(f"dashboard:{name}", args=args), data)

    page = answer.content.decode()
    assert answer.status_code == 403
    assert f'value="{kept}"' in page
    assert "Confirm it is you" in page
    assert CANARY not in page + str(dict(stale.session))
    assert model.objects.count() == before


def test_the_same_form_is_saved_after_the_confirmation(stale):
    url = reverse("dashboard:api_key_add")
    stale.post(url, KEY)

    stale.post(f"{CONFIRM}?next=/login-confirmed/", {"password": "spice must flow"})
    stale.post(url, KEY)

    assert ApiKey.objects.get().name == "thief"


def test_a_button_without_a_form_leads_back_to_its_page(stale, viewer):
    membership, page = Membership.objects.get(user=viewer), reverse("dashboard:members")
    url = reverse("dashboard:member_role", args=[membership.pk])

    answer = stale.post(url, {"role": "owner"}, headers={"Referer": f"http://testserver{page}"})

    assert answer["Location"] == f"{CONFIRM}?next={page.replace('/', '%2F')}"
    assert Membership.objects.get(user=viewer).role == "viewer"
    assert "Nothing was changed" in stale.get(CONFIRM).content.decode()


def test_a_button_leads_to_no_other_host(stale, viewer):
    membership = Membership.objects.get(user=viewer)
    url = reverse("dashboard:member_role", args=[membership.pk])

    answer = stale.post(url, {"role": "owner"}, headers={"Referer": "https://evil.test/members/"})

    assert answer["Location"] == f"{CONFIRM}?next=%2F"


def test_members_page_shows_its_forms_after_the_confirmation(stale, viewer):
    membership = Membership.objects.get(user=viewer)
    add = f'action="{reverse("dashboard:member_role", args=[membership.pk])}"'
    assert add not in stale.get(reverse("dashboard:members")).content.decode()

    stale.post(CONFIRM, {"password": "spice must flow"})

    assert add in stale.get(reverse("dashboard:members")).content.decode()


def test_a_fragment_sends_the_whole_page_to_the_confirmation(stale):
    answer = stale.post(reverse("dashboard:api_key_add"), KEY, headers={"HX-Request": "true"})

    assert answer["HX-Redirect"].startswith(CONFIRM)
    assert not ApiKey.objects.exists()


def test_login_alone_is_fresh_until_the_timeout(client, user, settings):
    client.force_login(user)
    assert client.get(reverse("dashboard:api_key_add")).status_code == 200

    age_login(client, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)

    assert is_confirmation(client.get(reverse("dashboard:api_key_add")))


def test_without_a_means_to_confirm_it_says_what_to_do(client, user):
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    age_login(client)

    answer = client.get(reverse("dashboard:api_key_add"))

    assert answer.status_code == 403
    assert "Sign out, sign in again" in answer.content.decode()
