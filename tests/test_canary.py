"""Secrets of every kind and OAuth app must not appear in any page, log or table."""

import io
import json
import logging
import re
import subprocess
from base64 import b64decode
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.sessions.backends.db import SessionStore as PlainSessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pydantic import SecretStr

from sequin_admin.access import invitations, keys, staff_access
from sequin_admin.access.models import (
    ApiKey,
    IdempotencyRecord,
    Invitation,
    Organization,
    Scope,
    User,
)
from sequin_admin.access.policy import Role
from sequin_admin.api.credentials import tokens
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock, tracing
from sequin_admin.credentials import gateway_secrets, kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.health import probes
from sequin_admin.health.models import Check, Incident, Transition
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import ChannelKind, Delivery
from sequin_admin.syncs import postgres, reports, targets
from sequin_admin.tokens import grants, lifetimes, renewal
from sequin_admin.tokens.models import Token
from tests.conftest import confirm_login
from tests.dashboard.conftest import age_login
from tests.factories import (
    FITTING,
    PEM,
    make_credential,
    make_oauth_app,
    make_synced,
    sample_properties,
)
from tests.notified import HOST, make_message, work
from tests.served import served

MARK = "canary7f3e"


@pytest.fixture
def fleet(organization):
    """One credential of every kind and an OAuth app of every provider that has one."""
    apps = {
        provider: make_oauth_app(
            organization,
            provider,
            secrets={
                name: f"{MARK}_{name}" for name in kinds.oauth_of(provider).app.secret_names()
            },
        )
        for provider in kinds.providers()
        if kinds.oauth_of(provider)
    }
    credentials = [
        make_credential(
            organization,
            kind.slug,
            marker=MARK,
            oauth_app=apps[kind.provider] if kind.client_is_ours() else None,
        )
        for kind in kinds.all()
    ]
    for credential in credentials:
        if any(MARK not in secret for secret in credential.secrets.values()):
            # A private key holds no word of ours.
            credential.secrets = {name: f"{MARK}_{name}" for name in credential.secrets}
            credential.save()
    return credentials


def target_pages():
    """A target with the canary as its password, on every page that knows targets."""
    _, target, _ = make_synced(Credential.objects.filter(kind="stripe_key").get())
    target.secrets = {"password": f"{MARK}{MARK}{MARK}"}
    target.save()
    one = ("target", "target_edit", "target_delete")
    return ["/targets/", *(reverse(f"dashboard:{name}", args=[target.pk]) for name in one)]


@pytest.fixture
def closed_world(settings):
    """No provider answers: probes fail, and their errors are shown."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


class Echo(BaseHTTPRequestHandler):
    """A provider that refuses every call with a body that repeats the whole request."""

    status = 400

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = body.decode("utf-8", "replace")
        # Values without their names and schemes, which would give them away.
        values = [value.split(" ", 1)[-1] for value in self.headers.values()]
        values += [value for _, value in parse_qsl(sent)] + re.findall(r'"([^"]{6,})"', sent)
        said = " | ".join(values)
        seen = f"{said}\n{self.path} {dict(self.headers)} {sent}".encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(seen)))
        self.end_headers()
        self.wfile.write(seen)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@pytest.fixture(params=[400, 401, 403, 429, 500, 200])
def echo(request, settings):
    handler = type("EchoOf", (Echo,), {"status": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    settings.SIMULATOR_URL = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield server


def spelt(text: str) -> bool:
    """Whether the text has the canary, plain or in any base64 within it."""
    words = re.findall(r"[\w+/-]{16,}", text)
    decoded = (
        b64decode(word[cut : cut + (len(word) - cut) // 4 * 4].translate(URLSAFE))
        for word in words
        for cut in range(4)
    )
    return MARK in text or any(MARK.encode() in value for value in decoded)


URLSAFE = str.maketrans("-_", "+/")


def test_an_answer_that_repeats_our_request_leaves_no_trace(fleet, user, client, echo):
    """Not in a check, a transition, an incident, a refusal, an event, a message or on a page."""
    for credential in fleet:
        if lifetimes.is_renewable(credential):
            Token.objects.update_or_create(
                credential=credential,
                defaults={
                    "secrets": {"access_token": f"{MARK}_access"},
                    "version": 1,
                    "expires_at": clock.now() + timedelta(hours=1),
                    "issued_at": clock.now(),
                },
            )
        outcome = probes.verify(credential, actor=user)
        assert not spelt(outcome.sentence), credential.kind

    assert Check.objects.exclude(evidence={}).exists()
    for model in (Check, Transition, Incident, Event, Delivery, Token, Credential, OAuthApp):
        for row in model.objects.values():
            row.pop("secrets", None)
            assert not spelt(f"{row}"), (model, row)
    client.force_login(user)
    for credential in fleet:
        for tab in ("credential", "credential_token", "credential_use"):
            page = client.get(reverse(f"dashboard:{tab}", args=[credential.pk]))
            assert not spelt(page.content.decode()), (credential.kind, tab)


def test_what_a_worker_reports_is_shown_without_the_secrets(fleet, user):
    sync, _, _ = make_synced(fleet[0])
    secret = next(iter(fleet[0].secrets.values()))
    trouble = reports.ReportedError("operator", "x", f"It refuses <{secret}> and {secret[:-3]}")

    reports.record_report(sync, trouble=trouble)

    assert MARK not in f"{list(Check.objects.values())} {list(Transition.objects.values())}"


def test_the_canary_is_in_every_secret_field(fleet):
    for credential in fleet:
        assert all(MARK in secret for secret in credential.secrets.values()), credential.kind
    for app in OAuthApp.objects.all():
        assert all(MARK in secret for secret in app.secrets.values()), app.provider


def test_no_page_shows_it(client, user, fleet, closed_world):
    client.force_login(user)
    for credential in fleet:
        probes.verify(credential, actor=user)
    one = ("credential", "credential_edit", "limit", "credential_delete")
    pages = [reverse(f"dashboard:{name}", args=[row.pk]) for name in one for row in fleet]
    apps = OAuthApp.objects.all()
    pages += [
        reverse(f"dashboard:{name}", args=[a.pk])
        for name in ("oauth_app", "oauth_app_edit")
        for a in apps
    ]
    pages += [reverse("dashboard:credential_syncs", args=[fleet[0].pk])]
    pages += target_pages()
    pages += ["/", "/credentials/", "/oauth-apps/", "/audit/", "/docs/kinds/", "/badges/"]

    for page in pages:
        answer = client.get(page)
        assert answer.status_code in (200, 286), page
        assert MARK not in answer.content.decode(), page


@pytest.mark.parametrize("kind", [k for k in kinds.all() if not k.oauth], ids=lambda k: k.slug)
def test_a_refused_form_does_not_give_it_back(client, user, kind):
    client.force_login(user)
    sent = {n: v for n, v in sample_properties(kind, MARK).items() if n != "kind"}
    sent["metadata"] = "{not json"

    answer = client.post(reverse("dashboard:add", args=[kind.slug]), sent)

    assert answer.status_code == 422
    assert MARK not in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_refused_app_form_does_not_give_it_back(client, user):
    client.force_login(user)
    sent = {"client_secret": MARK, "private_key": MARK, "name": "", "client_id": "x"}

    answer = client.post(reverse("dashboard:oauth_app_add", args=["github"]), sent)

    assert answer.status_code == 422
    assert MARK not in answer.content.decode()


def test_no_api_answer_holds_it(client, organization, fleet, closed_world):
    _, token = keys.create(organization, name="k", scopes=[Scope.READ, Scope.WRITE], actor=None)
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        client.get("/v1/credentials", headers=bearer),
        client.get("/v1/oauth-apps", headers=bearer),
    ]
    for row in fleet:
        one = f"/v1/credentials/{row.pk}"
        answers += [client.get(one, headers=bearer), client.post(f"{one}/verify", headers=bearer)]
    for kind in kinds.all():
        body = {"properties": {**sample_properties(kind, MARK), "colour": MARK}, "oops": MARK}
        answers.append(
            client.post(
                "/v1/credentials", json.dumps(body), content_type="application/json", headers=bearer
            )
        )

    for answer in answers:
        assert MARK not in answer.content.decode(), answer.request["PATH_INFO"]


def test_no_staff_page_shows_it(client, fleet, db):
    client.force_login(User.objects.create_superuser(username="s", email="s@s.test"))
    pages = [f"/staff/credentials/oauthapp/{app.pk}/change/" for app in OAuthApp.objects.all()]
    for row in fleet:
        name = type(row)._meta.model_name
        pages += [f"/staff/providers/{name}/", f"/staff/providers/{name}/{row.pk}/change/"]

    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert MARK not in answer.content.decode(), page


def test_no_log_line_and_no_audit_row_holds_it(client, user, fleet, closed_world, caplog):
    caplog.set_level(logging.DEBUG)
    for credential in fleet:
        probes.verify(credential, actor=user)
        client.force_login(user)
        client.get(reverse("dashboard:credential", args=[credential.pk]))

    assert MARK not in caplog.text
    assert Event.objects.exists()
    assert not [e for e in Event.objects.all() if MARK in f"{e} {e.details}"]


@pytest.mark.parametrize("echo", [400], indirect=True)
def test_no_span_holds_it(client, fleet, user, made, echo, recording, collector, receiver, caplog):
    """Of requests with secrets in paths, queries, headers and bodies, of probes, renewals,
    deliveries and an exception, at whose other end everything is repeated."""
    for credential in fleet:
        with tracing.root("job probe", "consumer", {}):
            probes.verify(credential, actor=user)
        if lifetimes.is_renewable(credential):
            with tracing.root("job renew", "consumer", {}), suppress(Refused):
                renewal.refresh(credential, force=True)
    bearer = {"Authorization": f"Bearer {made['API key in a kept answer']}"}
    for path in (f"/{MARK}", f"/v1/{MARK}", f"/badge/{MARK}.svg", f"/credentials/?q={MARK}"):
        client.get(path, headers={**bearer, "Cookie": f"a={MARK}", "User-Agent": MARK})
    Client().get(reverse("gateway:enter", args=[made["link"]]))
    Client().get(reverse("invitation_open", args=[made["invitation"]]))
    client.post("/v1/credentials", {"name": MARK}, "application/json", headers=bearer)
    channels.create(
        fleet[0].organization,
        ChannelKind.SLACK,
        actor=None,
        **{"name": "s", "address": f"https://{HOST}/{MARK}", "min_severity": Severity.INFO},
    )
    outbox.post(fleet[0].organization, make_message())
    with tracing.root("job deliver", "consumer", {}):
        work()
    with suppress(RuntimeError), tracing.root("job x", "consumer", {}):
        raise RuntimeError(MARK)

    spans = collector.spans()

    names = {span.name for span in spans}
    assert {"GET /link/connect/{id}", "POST /v1/credentials", "job renew"} <= names
    assert f"POST {HOST}" in names
    exported = b"".join(collector.bodies)
    assert not spelt(exported.decode("utf-8", "replace"))
    assert MARK.encode() not in exported
    assert [name for name, secret in made.items() if secret.encode() in exported] == []


def test_the_error_page_does_not_show_it(client, user, fleet, settings, monkeypatch, caplog):
    """An exception while a secret is in a local variable; with DEBUG Django shows those."""
    client.raise_request_exception = False
    client.force_login(user)

    def break_down(credential, **kwargs):
        opened = credential.secrets
        raise RuntimeError(f"could not use {opened}")

    monkeypatch.setattr(probes, "verify", break_down)
    for debug in (False, True):
        settings.DEBUG = debug
        answer = client.post(reverse("dashboard:verify", args=[fleet[0].pk]))
        assert answer.status_code == 500
        assert MARK not in answer.content.decode()
    assert MARK not in caplog.text


def test_no_repr_shows_it(fleet):
    """What a log line or an error report prints of the values that a flow works with."""
    grant = TokenGrant(access_token=MARK, refresh_token=MARK, raw={"refresh_token": MARK})
    _, target, _ = make_synced(fleet[0])
    target.secrets = {"password": MARK}
    shown = [grant, grant.raw, postgres.request_for(target)]
    for app in OAuthApp.objects.all():
        shown.append(app.url_params())
    for row in fleet:
        parsed = parsed_with_canary(row)
        shown += [parsed, parsed.secret_values(), parsed.plain_values(), row.secrets]
        shown += [row.call_headers(MARK), row.call_fields(), row.call_login(), row.signing()]
        shown += [row.properties_with(row.secrets), tokens.signing_of(row)]
        shown += [grants.issued_secrets(type(row), grant)]
        if row.oauth:
            context = row.oauth_context()
            shown += [context, context.app, context.inputs, context.url_params]

    assert not [value for value in shown if MARK in f"{value!r} {value}"]


def parsed_with_canary(row):
    """The parsed properties; of a kind with a private key without parsing that."""
    declared = row.properties_class
    if "private_key" not in declared.names():
        return row.parsed()
    secrets = {name: SecretStr(value) for name, value in row.secrets.items()}
    return declared.model_construct(kind=row.kind, **row.properties, **secrets)


def test_no_dump_holds_it(fleet, tmp_path):
    grants.store_grant(
        fleet[0], TokenGrant(access_token=f"{MARK}_access", refresh_token=f"{MARK}_refresh")
    )
    out = io.StringIO()

    call_command("dumpdata", stdout=out)

    assert "providers.stripekey" in out.getvalue()
    assert MARK not in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_database_does_not_hold_it(fleet):
    grants.store_grant(
        fleet[0], TokenGrant(access_token=f"{MARK}_access", refresh_token=f"{MARK}_refresh")
    )

    assert MARK.encode() not in everything_stored()


def everything_stored() -> bytes:
    """The SQLite file with its log, or every text of every PostgreSQL table."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # In another process: closing the file in this one would drop SQLite's locks on it.
        name = str(connection.settings_dict["NAME"])
        return subprocess.run(["cat", name], capture_output=True, check=True).stdout
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT t::text FROM {connection.ops.quote_name(table)} t")
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts).encode()


# Secrets that are made here, not entered.


@pytest.fixture
def made(client, organization, user, api_key):
    """A secret of every sort that the product makes, after each was made by its page or address."""
    client.force_login(user)
    confirm_login(client)
    app = make_oauth_app(organization, "hubspot")
    made = {"gateway secret": gateway_secrets.rotate(app, actor=user)[1]}
    _, made["invitation"] = invitations.create(
        organization, "jessica@arrakis.test", Role.MEMBER, actor=user
    )
    Client().get(reverse("invitation_open", args=[made["invitation"]]))
    made["link"] = links.create(organization, [kinds.get("stripe_key")], actor=user).secrets[
        "token"
    ]
    Client().get(reverse("gateway:enter", args=[made["link"]]))
    page = client.get(reverse("mfa_activate_totp"))
    made["authenticator"] = page.context["form"].secret
    TOTP.activate(user, made["authenticator"])
    made["recovery code"] = RecoveryCodes.activate(user).get_unused_codes()[0]
    sent = {"name": "worker", "scopes": ["read"]}
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": "once"}
    kept = client.post("/v1/api-keys", sent, "application/json", headers=headers)
    made["API key in a kept answer"] = kept.json()["token"]
    hook = {"url": "https://a.test/", "name": "hook"}
    headers["Idempotency-Key"] = "twice"
    kept = client.post("/v1/webhooks", hook, "application/json", headers=headers)
    made["signing secret in a kept answer"] = kept.json()["secret"]
    return made


@pytest.fixture
def api_key(organization):
    scopes = [Scope.READ, Scope.WRITE, Scope.KEYS]
    return keys.create(organization, name="k", scopes=scopes, actor=None)[1]


@pytest.mark.django_db(transaction=True)
def test_the_database_holds_no_secret_that_was_made(made, caplog):
    """Tables with kept answers and the content of sessions included."""
    stored = everything_stored().decode("utf-8", "replace")
    stored += "".join(
        json.dumps(PlainSessionStore().decode(data))
        for data in Session.objects.values_list("session_data", flat=True)
    )
    events = f"{list(Event.objects.values())}"

    assert IdempotencyRecord.objects.count() == 2
    assert Session.objects.count() == 3
    assert [name for name, secret in made.items() if secret in stored + events + caplog.text] == []


def test_no_page_shows_a_secret_that_was_made(client, user, made):
    root = User.objects.create_superuser(username="s", email="s@s.test")
    pages = ["/", "/members/", "/oauth-apps/", "/api-keys/", "/audit/", "/notifications/"]
    pages += [f"/oauth-apps/{OAuthApp.objects.get().pk}/", reverse("mfa_index")]
    pages += [f"/connect-links/{ConnectLink.objects.get().pk}/"]
    shown = "".join(client.get(page).content.decode() for page in pages)
    staff = Client()
    staff.force_login(root)
    for model in (User, Organization, OAuthApp, ApiKey, Invitation, ConnectLink, Event):
        listed = f"/staff/{model._meta.app_label}/{model._meta.model_name}/"
        rows = model.objects.values_list("pk", flat=True)
        for url in (listed, *(f"{listed}{pk}/change/" for pk in rows)):
            answer = staff.get(url)
            assert answer.status_code == 200, url
            shown += answer.content.decode()

    # Its owner's page shows the link to hand on.
    made.pop("link")
    assert [name for name, secret in made.items() if secret in shown] == []


def test_staff_access_shows_it_nowhere(client, organization, user, fleet):
    staff = User.objects.create_superuser(username="s", email="s@s.test")
    staff_access.open_access(
        organization, actor=staff, reason="help", duration=timedelta(hours=1), may_edit=True
    )
    client.force_login(staff)
    pages = ["/", "/credentials/", "/oauth-apps/", "/audit/", "/targets/", *target_pages()]
    for row in fleet:
        pages += [
            reverse(f"dashboard:{n}", args=[row.pk]) for n in ("credential", "credential_edit")
        ]
    reveal = reverse("dashboard:reveal", args=[fleet[0].pk])

    assert MARK not in "".join(client.get(page).content.decode() for page in pages)
    assert [client.get(reveal).status_code, client.post(reveal).status_code] == [403, 403]


@pytest.mark.django_db(transaction=True)
def test_no_session_keeps_what_was_typed(client, user):
    """A login too old for the page, a form with mistakes, and a wrong password."""
    client.force_login(user)
    secret = {"secret": f"sk_test_{MARK}", "client_secret": MARK, "password": MARK}
    client.post(reverse("dashboard:add", args=["stripe_key"]), {**secret, "metadata": "{"})
    age_login(client)
    for page in ("oauth_app_add", "target_new"):
        args = ["hubspot"] if page == "oauth_app_add" else []
        assert client.post(reverse(f"dashboard:{page}", args=args), secret).status_code == 403
    client.post(reverse("account_reauthenticate"), {"password": MARK})
    client.post(reverse("account_change_password"), {"oldpassword": MARK, "password1": MARK})

    assert MARK not in json.dumps([dict(client.session), dict(Client().session)], default=str)
    assert MARK.encode() not in everything_stored()


def test_the_process_that_tests_a_target_gets_the_password_by_its_pipe_only(
    organization, user, monkeypatch
):
    """Not by its arguments or environment, and no sentence repeats it."""
    _, target, _ = make_synced(make_credential(organization, "stripe_key"))
    targets.update(target, actor=user, host="127.0.0.1", port=9, password=f"{MARK}{MARK}")
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **options):
            started.append((args, {**options, "env": options["env"]}))
            super().__init__(*args, **options)

    monkeypatch.setattr(postgres.subprocess, "Popen", Recorded)

    outcome = targets.verify(target, actor=user)

    assert len(started) == 1
    assert MARK not in f"{started} {outcome}"
    assert MARK not in f"{list(Check.objects.values())} {list(Event.objects.values())}"


def test_samples_can_carry_the_canary():
    """Otherwise the tests above would look for something that was never stored."""
    assert MARK not in PEM
    assert FITTING
