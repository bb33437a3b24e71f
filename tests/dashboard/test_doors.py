"""Every URL of the dashboard, walked by people of every role with GET and POST."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from sequin_admin.access import exports, invitations, keys, members, staff_access
from sequin_admin.access.models import Membership, SavedView, Scope, StaffAccess, User
from sequin_admin.access.policy import Action, Role, allows
from sequin_admin.connect import batches, links
from sequin_admin.connect.models import BatchAction, ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import (
    Credential,
    FormerAppSecrets,
    FormerCredentialSecrets,
)
from sequin_admin.dashboard.sign_in_gate import ACTIVE_AT_SESSION_KEY
from sequin_admin.dashboard.urls import urlpatterns
from sequin_admin.demo.models import Demo
from sequin_admin.health.models import Cause
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.models import ChannelKind
from sequin_admin.syncs import streams
from sequin_admin.syncs.models import FormerTargetSecrets, Run
from tests.conftest import confirm_login, make_member
from tests.dashboard.conftest import age_login
from tests.database_rows import AUDIT_LOG, read_rows
from tests.factories import make_credential, make_oauth_app, make_synced
from tests.notified import make_message

NAMES = [pattern.name for pattern in urlpatterns]
# What a page takes of a role. All others take `Action.EDIT`.
TAKES = {
    **dict.fromkeys(
        (
            "overview", "credentials", "credential", "badges", "oauth_apps", "oauth_app",
            "audit", "kinds", "api_keys", "api_key", "members", "worker", "connect_links",
            "connect_link", "batch", "incidents", "health", "notifications", "channel", "delivery",
            "to_customers", "syncs", "sync", "streams", "stream", "targets", "target", "consumers",
            "consumer", "credential_syncs", "usage", "login_confirmed", "credential_token",
            "credential_use", "credential_history", "oauth_app_guide", "oauth_app_history",
            "sync_badge_page", "sync_history", "target_history", "search",
            "fleet_usage", "provider", "expiry", "cause", "exports", "export_new", "export",
            "operate", "runbooks", "engines", "security",
            "consumer_history", "sync_runs", "runs", "run",
            # A person's own, which nobody else sees: viewers keep them, too.
            "saved_view_new", "saved_view_delete", "list_columns", "tour", "tour_look",
            "tour_dismiss",
        ),
        Action.VIEW,
    ),
    "reveal": Action.REVEAL,
    **dict.fromkeys(
        (
            "oauth_app_picker", "oauth_app_add", "oauth_app_edit", "oauth_app_delete",
            "oauth_app_gateway_secret", "oauth_app_secret", "oauth_app_danger", "channel_add",
            "channel_edit", "channel_enable", "channel_disable", "channel_rotate", "channel_delete",
            "target_new", "target_edit", "target_delete", "target_danger", "api_key_add",
            "api_key_edit", "api_key_rotate", "api_key_end_former", "api_key_revoke",
            "branding", "branding_style", "mail_settings", "mail_template", "former_app",
            "former_target",
        ),
        Action.CONFIGURE,
    ),
    **dict.fromkeys(
        (
            "organization", "staff_access_end", "member_add", "member_role", "member_remove",
            "sign_in_rules", "leftovers", "invitation_resend", "invitation_withdraw", "demo_remove",
            "organization_end", "organization_stay",
        ),
        Action.MANAGE,
    ),
}  # fmt: skip
# They answer 404 to whoever asks for what is another's: a connection, an organization, a view.
OWN = {"switch_organization", "connect_failed", "saved_view_delete", "export"}
OF_ONE = {name for name in NAMES if "pk" in next(
    p for p in urlpatterns if p.name == name
).pattern.converters}  # fmt: skip
NOBODY = "http://127.0.0.1:9"
# Pages that mint, widen, redirect or show secrets. They take a fresh login.
FRESH = {
    "api_key_add", "api_key_edit", "api_key_rotate",
    "member_add", "invitation_resend", "member_role", "member_remove",
    "oauth_app_add", "oauth_app_edit", "oauth_app_gateway_secret", "oauth_app_secret",
    "channel_add", "channel_edit", "channel_rotate",
    "target_new", "target_edit",
    "calendar",  # makes an address that needs no login
    "credential_edit",  # may send a stored secret to another host
    "connect_links_csv", "reveal",
    "sign_in_rules",  # opens and shuts the organization
    "former_credential", "former_app", "former_target", "organization_end",
    "organization", "branding", "mail_settings", "mail_template",  # what customers trust
}  # fmt: skip
# What an answer of the organization's own pages may be.
OPENED = {200, 286, 302, 409, 422}
FEWEST_PAGES = 101
MOST_QUERIES = 12

# URL prefix of the detail pages of each model.
BEFORE = {"health": ["credential"]}


@pytest.fixture
def ids(organization, user, settings):
    """The id of one row of the organization for each beginning of the pages' names."""
    settings.SIMULATOR_URL = NOBODY  # no provider answers
    organization.name = "Sietch Tabr"  # in no example of a form
    organization.save()
    credential = make_credential(organization, "stripe_key")
    Demo.objects.create(organization=organization, days=89, ready_at=clock.now())
    failed = ConnectSession.objects.create(
        organization=organization, user=user, kind="hubspot_oauth2", failure="No.",
        state_digest="x", session_digest="x", expires_at=clock.now(),
    )  # fmt: skip
    channel = channels.create(
        organization, ChannelKind.WEBHOOK, actor=user, name="hook", address="https://a.test/"
    )
    (delivery,) = outbox.post(organization, make_message())
    sync, target, consumer = make_synced(credential)
    staff = StaffAccess.objects.create(
        organization=organization, user=user, reason="test", expires_at=clock.now()
    )
    app = make_oauth_app(organization, "hubspot")
    rows = {
        "oauth_app": app,
        "api_key": keys.create(organization, name="key", scopes=[Scope.READ], actor=user)[0],
        "connect_link": links.create(organization, [kinds.get("stripe_key")], actor=user),
        "connect_failed": failed,
        "channel": channel,
        "member": Membership.objects.get(user=user),
        "invitation": invitations.create(
            organization, "jessica@arrakis.test", "viewer", actor=user
        )[0],
        "sync": sync,
        "run": Run.objects.create(organization=organization, sync=sync, consumer=consumer),
        "target": target,
        "consumer": consumer,
        "former_credential": former_of(FormerCredentialSecrets, credential, "secret"),
        "former_app": former_of(FormerAppSecrets, app, "client_secret"),
        "former_target": former_of(FormerTargetSecrets, target, "password"),
        "stream": streams.create(organization, actor=user, slug="prod"),
        "staff_access": staff,
        "saved_view": SavedView.objects.create(
            membership=Membership.objects.get(user=user),
            listed="credentials",
            name="x",
            query="q=x",
        ),
        "export": exports.start(organization, actor=user, listed="credentials", query="", count=1),
        "batch": batches.start(
            organization,
            Credential.objects.of(organization),
            BatchAction.RECONNECT,
            actor=user,
            options={"days": 7},
        ),
        "cause": Cause.objects.create(
            organization=organization, code="invalid_grant", entity="credential", name="Caladan"
        ),
        "": credential,
    }
    return {name: row.pk for name, row in rows.items()} | {"delivery": delivery.uid}


def former_of(model, owner, name):
    return model.objects.create(
        organization=owner.organization, owner=owner, names=[name], replaced_by="x"
    )


@pytest.fixture
def address(ids):
    """The URL of a page with ids of the organization's rows."""

    def of(name):
        if name in OF_ONE:
            start = max((start for start in ids if name.startswith(start)), key=len)
            return reverse(f"dashboard:{name}", args=[*BEFORE.get(name, ()), ids[start]])
        known = {"add": "stripe_key", "connect": "hubspot_oauth2", "oauth_app_add": "hubspot"}
        known |= dict.fromkeys(("saved_view_new", "list_columns", "export_new"), "credentials")
        if name == "mail_template":
            return reverse("dashboard:mail_template", args=["connect", "de"])
        known |= {"connect_link_new": "stripe", "channel_add": "webhook", "provider": "stripe"}
        args = [known[name]] if name in known else []
        return reverse(f"dashboard:{name}", args=args)

    return of


def open_door(client, url):
    """GET the page, or POST where only that is allowed."""
    answer = client.get(url)
    return client.post(url) if answer.status_code == 405 else answer


@dataclass
class Walk:
    """A browser that opens pages with GET and POST, and the answers that were wrong."""

    client: Client
    address: Callable[[str], str]
    requests: int = 0
    wrong: list[str] = field(default_factory=list)
    many: dict[str, int] = field(default_factory=dict)

    def visit(self, names, is_right, **sent):
        """Open each page. `is_right(name, answer)` judges it; what was changed is undone."""
        for name in names:
            for method in ("get", "post"):
                with transaction.atomic():
                    self.open(name, method, is_right, sent)
                    transaction.set_rollback(True)

    def visit_without_effect(self, names, is_right, **sent):
        """As `visit()`, for answers that may not change anything but the audit log."""
        before = read_rows(without=AUDIT_LOG)
        for name in names:
            for method in ("get", "post"):
                self.open(name, method, is_right, sent)
        assert read_rows(without=AUDIT_LOG) == before

    def open(self, name, method, is_right, sent):
        url = self.address(name)
        with CaptureQueriesContext(connection) as asked:
            answer = getattr(self.client, method)(url, sent)
        self.requests += 1
        queries = sum("SAVEPOINT" not in each["sql"] for each in asked)
        if method == "get" and queries > MOST_QUERIES:
            self.many[name] = queries
        if answer.status_code != 405 and not is_right(name, answer):
            self.wrong.append(f"{method} {name}: {answer.status_code}")

    def end(self):
        assert self.wrong == []
        assert self.many == {}
        assert self.requests >= 2 * FEWEST_PAGES


@pytest.fixture
def walk(client, address):
    """Begins a walk as a person with a fresh login."""

    def log_in(person):
        client.force_login(person)
        confirm_login(client)
        # A walk takes a busy machine minutes, and each of them would write down one's activity.
        session = client.session
        session[ACTIVE_AT_SESSION_KEY] = time.time() + 3600
        session.save()
        return Walk(client, address)

    return log_in


def is_opened(name, answer):
    return answer.status_code in OPENED or (name in OWN and answer.status_code == 404)


def is_no_member(name, answer):
    text = answer.content.decode()
    return answer.status_code == 403 and "not a member of any organization" in text


def is_login_page(name, answer):
    return answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")


def pages_for(role):
    """The pages that the role opens, and the others."""
    opened = {
        n for n in NAMES if n == "switch_organization" or allows(role, TAKES.get(n, Action.EDIT))
    }
    return sorted(opened), sorted(set(NAMES) - opened)


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_its_pages_and_no_others(walk, organization, user, role):
    owner = role == Role.OWNER
    person = user if owner else make_member(organization, f"{role}@arrakis.test", role)
    walk, (opened, refused) = walk(person), pages_for(role)

    def is_refused(name, answer):
        reason = f"Your role here is {role}"
        return answer.status_code == 403 and reason in answer.content.decode()

    walk.visit_without_effect(refused, is_refused)
    walk.visit(opened, is_opened)

    walk.end()


def test_nobody_gets_in_without_a_login(client, address):
    walk = Walk(client, address)

    walk.visit_without_effect(NAMES, is_login_page)

    walk.end()
    assert not Session.objects.exists()


@pytest.mark.parametrize("lost", ["membership", "account"])
def test_who_was_removed_gets_in_nowhere_although_the_session_lives(walk, organization, user, lost):
    person = make_member(organization, "yueh@arrakis.test", Role.OWNER)
    walk = walk(person)
    assert walk.client.get("/").status_code == 200
    if lost == "membership":
        members.remove(Membership.objects.get(user=person), actor=user)
    else:
        person.is_active = False
        person.save()

    walk.visit_without_effect(NAMES, is_no_member if lost == "membership" else is_login_page)

    walk.end()


@pytest.mark.parametrize("flags", [("is_staff",), ("is_staff", "is_superuser")])
def test_staff_are_no_members(walk, user, flags):
    person = User.objects.create_user(
        username="irulan", email="irulan@corrino.test", **dict.fromkeys(flags, True)
    )
    walk = walk(person)

    walk.visit_without_effect(NAMES, is_no_member)

    walk.end()


@pytest.mark.parametrize("may_edit", [False, True])
def test_staff_access_gives_no_more_than_it_says(walk, organization, user, may_edit):
    person = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")
    staff_access.open_access(
        organization, actor=person, reason="test", duration=timedelta(hours=1), may_edit=may_edit
    )
    walk = walk(person)
    opened, refused = pages_for(Role.MEMBER if may_edit else Role.VIEWER)

    # Each page is an event, so the tables do change.
    walk.visit(refused, lambda name, answer: answer.status_code == 403)
    walk.visit(opened, is_opened)

    walk.end()


def test_a_stranger_finds_and_changes_nothing(walk, organization, user, stranger, ids):
    """Also not by naming ids of other organizations in what they send."""
    walk = walk(stranger)
    walk.visit_without_effect(sorted(OF_ONE), lambda name, answer: answer.status_code == 404)
    sent = {**ids, "credential": ids[""], "syncs": ids["sync"], "person": user.pk, "name": "x"}
    sent = {name: str(pk) for name, pk in sent.items()} | {"organization": str(organization.pk)}
    before = read_rows()

    def leaves_ours_alone(name, answer):
        text, changed = answer.content.decode(), before ^ read_rows()
        shown = [word for word in (organization.name, user.email) if word in text]
        return not shown and not [r for r in changed if organization.pk.hex in r.replace("-", "")]

    walk.visit(sorted(set(NAMES) - OF_ONE), leaves_ours_alone, **sent)

    walk.end()


def test_an_old_login_opens_nothing_that_gives_power(client, address, user):
    client.force_login(user)
    age_login(client)
    walk = Walk(client, address)
    asked = ("/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/")

    def asks_again(name, answer):
        if answer.status_code == 403:  # The form again, with what was typed.
            return "confirm" in answer.content.decode().lower()
        return answer.status_code == 302 and answer["Location"].startswith(asked)

    walk.visit_without_effect(sorted(FRESH), asks_again)
    walk.visit(sorted(set(NAMES) - FRESH), is_opened)

    walk.end()


def test_someone_without_an_organization_is_told_so(client, django_user_model, db):
    nobody = django_user_model.objects.create_user(username="nobody", email="nobody@test.test")
    client.force_login(nobody)

    answer = client.get(reverse("dashboard:overview"))

    assert answer.status_code == 403
    assert "not a member of any organization" in answer.content.decode()


def test_an_unknown_id_is_404(client, user):
    client.force_login(user)
    confirm_login(client)
    opened = []

    for name in sorted(OF_ONE - {"member_role", "member_remove"}):
        url = reverse(f"dashboard:{name}", args=[*BEFORE.get(name, ()), uuid.uuid4()])
        if open_door(client, url).status_code != 404:
            opened.append(url)

    assert opened == []


def test_every_dashboard_address_was_walked():
    names = {p.name for p in get_resolver("sequin_admin.dashboard.urls").url_patterns}

    assert names == set(NAMES)
