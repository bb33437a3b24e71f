"""Every URL that is no page of the dashboard and no operation of the API, opened by everybody.

The others: `tests/dashboard/test_doors.py`, `tests/api/test_walk.py`.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin import site
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from sequin_admin.access.models import Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.connect import links
from sequin_admin.credentials import kinds
from tests.conftest import confirm_login, make_member
from tests.database_rows import read_rows
from tests.factories import make_credential, make_oauth_app, make_synced

ROLES = [*Role, "removed", "stranger"]
FEWEST = {"account": 30, "staff": 180, "gateway": 10}
# Pages of accounts for people who are not signed in.
PROVING = {
    "account_login", "account_inactive", "account_signup", "account_email_verification_sent",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_confirm_email", "account_confirm_login_code",
    "mfa_login_webauthn", "mfa_authenticate", "invitation", "invitation_open",
    "openid_connect_login", "openid_connect_callback", "socialaccount_login_cancelled",
    "socialaccount_login_error",
}  # fmt: skip
# What the staff admin shows to staff without any permission.
OF_ALL_STAFF = {
    "admin:index", "admin:jsi18n", "admin:password_change", "admin:password_change_done",
}  # fmt: skip
# What is sent to every page: an attempt to take over the account of somebody else.
TAKE_OVER = {
    "email": "paul@arrakis.test", "action_primary": "", "action_add": "", "action_remove": "",
    "password": "x", "password1": "a new password 1", "password2": "a new password 1",
    "is_superuser": "on", "is_staff": "on", "is_active": "on", "role": "owner", "user": "1",
    "action": "delete_selected", "_selected_action": "1", "post": "yes", "reason": "because",
    "name": "x", "code": "000000",
}  # fmt: skip


def start_of(opts: Any) -> str:
    """How the names of a model's pages in the staff admin begin."""
    return f"admin:{opts.app_label}_{opts.model_name}_"


def patterns(resolver, spaces=(), above=()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every URL pattern below the resolver: its full name and the names of its parameters."""
    for pattern in resolver.url_patterns:
        parameters = (*above, *re.findall(r"<(?:\w+:)?(\w+)>", str(pattern.pattern)))
        if hasattr(pattern, "url_patterns"):
            inner = (*spaces, pattern.namespace) if pattern.namespace else spaces
            yield from patterns(pattern, inner, parameters)
        elif pattern.name:
            yield ":".join((*spaces, pattern.name)), parameters


URLS = dict(patterns(get_resolver()))
# A walk must not end its own login.
DOORS = {"account_logout", "admin:login", "admin:logout"}
ACCOUNT = sorted(name for name in URLS if ":" not in name and name not in DOORS)
# By class: what one admin does with the first of its models it does with all. The pages of each
# kind are in `staff/test_staff.py`.
ADMINS = {type(each): each.opts for each in reversed(site._registry.values())}
SAME = {each.opts for each in site._registry.values()} - {*ADMINS.values()}
STAFF = sorted(
    name
    for name in URLS
    if name.startswith("admin:")
    and name not in DOORS
    and not name.startswith(tuple(map(start_of, SAME)))
)
GATEWAY = sorted(name for name in URLS if name.startswith("gateway:"))
STATUS = ("/healthz", "/readyz", "/metrics")


def test_every_url_is_walked_somewhere():
    kept = {name.partition(":")[0] for name in URLS if ":" in name}

    assert kept == {"admin", "api", "dashboard", "gateway"}
    assert len(ACCOUNT) >= FEWEST["account"]
    assert len(STAFF) >= FEWEST["staff"]
    assert len(GATEWAY) >= FEWEST["gateway"]


def test_each_admin_is_walked_with_one_of_its_models():
    assert all(any(name.startswith(start_of(opts)) for name in STAFF) for opts in ADMINS.values())
    assert {opts.app_label for opts in SAME} == {"providers"}


@pytest.fixture
def rows(organization, user):
    """Rows of the organization and everything that proves who its owner is."""
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    make_synced(make_credential(organization, "stripe_key"))
    make_oauth_app(organization, "hubspot")


@pytest.fixture
def people(organization, user, stranger, rows):
    def make(who):
        if who == Role.OWNER:
            return make_member(organization, "second@arrakis.test", Role.OWNER)
        if who == "stranger":
            return stranger
        person = make_member(organization, f"{who}@arrakis.test", Role.MEMBER)
        members = Membership.objects.filter(user=person)
        _ = members.delete() if who == "removed" else members.update(role=who)
        return person

    return make


def address(name, *values):
    """The URL with the first of the values that each parameter takes."""
    for value in values or ("1", str(uuid4()), "access"):
        try:
            return reverse(name, kwargs=dict.fromkeys(URLS[name], value))
        except NoReverseMatch:
            continue
    raise AssertionError(name)


def visit(client, names):
    """The answers of every page to GET and POST by name; what they do is undone."""
    for name in names:
        for method in ("get", "post"):
            with transaction.atomic():
                yield name, method, getattr(client, method)(address(name), TAKE_OVER)
                transaction.set_rollback(True)


def read_others(person):
    """Rows of all people but one."""
    mine = {f"user_id={person.pk} ", f"access_user: id={person.pk} "} if person else set()
    rows = (f"{row} " for row in read_rows())
    return {row for row in rows if not any(mark in row for mark in mine)}


def is_to_login(answer):
    return answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")


def test_nobody_opens_a_page_of_an_account(client, rows):
    before, wrong = read_rows(), []

    for name, method, answer in visit(client, ACCOUNT):
        if name not in PROVING and not (is_to_login(answer) or answer.status_code == 405):
            wrong.append((name, method, answer.status_code))
        if read_rows() != before or answer.status_code >= 500:
            wrong.append((name, method, "changed"))

    assert wrong == []


def test_loading_the_login_page_makes_no_session(client, db):
    page = client.get(reverse("account_login")).content.decode()

    assert "passkey_login" in page
    assert not Session.objects.exists()
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize("who", ROLES)
def test_pages_of_accounts_change_nobody_elses(client, people, who):
    person = people(who)
    client.force_login(person)
    confirm_login(client)
    before, wrong = read_others(person), []

    for name, method, answer in visit(client, ACCOUNT):
        changed = before ^ read_others(person)
        # A log line, a mail address and a second factor of their own may come.
        about_others = [row for row in changed if not row.startswith("audit_")]
        if about_others or answer.status_code >= 500:
            wrong.append((name, method, answer.status_code, about_others))

    assert wrong == []
    assert EmailAddress.objects.get(email="paul@arrakis.test").user.username == "paul@arrakis.test"


@pytest.mark.parametrize("who", ROLES)
def test_no_membership_opens_the_staff_admin(client, people, who):
    client.force_login(people(who))
    confirm_login(client)

    for name in ("admin:index", "admin:access_user_changelist"):
        assert client.get(address(name)).status_code in (302, 403, 404)


@pytest.mark.parametrize("who", ["nobody", Role.OWNER])
def test_only_staff_open_the_staff_admin(client, people, who):
    if who != "nobody":
        client.force_login(people(who))
        confirm_login(client)
    before, wrong = read_rows(), []

    for name in STAFF:
        for method in ("get", "post"):
            answer = getattr(client, method)(address(name), TAKE_OVER)
            login = answer.status_code == 302 and "login" in answer["Location"]
            if not login and answer.status_code not in (403, 404, 405):
                wrong.append((name, method, answer.status_code))

    assert wrong == []
    assert read_rows() == before


@pytest.mark.parametrize("flags", [("is_staff",), ("is_staff", "is_superuser")])
def test_staff_change_nothing_by_raw_posts(client, people, flags):
    """Neither with no permission nor with all: what they do are verbs with a reason."""
    person = User.objects.create_user(
        username="irulan", email="irulan@corrino.test", **dict.fromkeys(flags, True)
    )
    client.force_login(person)
    confirm_login(client)
    before, wrong = read_rows(), []

    for name in STAFF:
        for method in ("get", "post"):
            answer = getattr(client, method)(address(name), TAKE_OVER)
            opened = answer.status_code == 200 and len(flags) == 1 and name not in OF_ALL_STAFF
            if opened or answer.status_code >= 500:
                wrong.append((name, method, answer.status_code))

    assert wrong == []
    assert read_rows() == before


@pytest.mark.parametrize("who", ["nobody", *ROLES])
def test_the_gateway_opens_to_a_token_only(client, organization, people, who):
    link = links.create(organization, [kinds.get("stripe_key")], actor=None)
    if who != "nobody":
        client.force_login(people(who))
    sessions, before = Session.objects.count(), read_rows()
    wrong = []

    for name in GATEWAY:
        for method in ("get", "post"):
            for url in (address(name), address(name, str(link.pk), "stripe")):
                answer = getattr(client, method)(url, TAKE_OVER)
                if answer.status_code not in (400, 401, 404, 405, 410):
                    wrong.append((name, method, answer.status_code))
    pages = [reverse("gateway:link", args=[link.pk]), reverse("gateway:thanks", args=[link.pk])]
    wrong += [url for url in pages if client.get(url).status_code != 404]

    assert wrong == []
    assert read_rows() == before
    assert Session.objects.count() == sessions


@pytest.mark.parametrize("path", STATUS)
def test_status_pages_tell_nobody_about_organizations(client, organization, user, path, settings):
    settings.METRICS_TOKEN = "a-token-of-metrics"

    for browser in (Client(), client):
        answer = browser.get(path)
        assert answer.status_code == (401 if path == "/metrics" else 200)
        assert organization.name not in answer.content.decode()
        assert browser.post(path).status_code == 405
        client.force_login(user)
