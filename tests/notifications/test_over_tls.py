"""Webhooks to a receiver with a certificate, as all of them are in production."""

import json
import socketserver
import ssl
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse
from standardwebhooks import Webhook

from sequin_admin.core import clock
from sequin_admin.core.env import ROOT
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Delivery
from sequin_admin.simulator.tls.authority import Authority
from tests.notified import make_message, receiving, work
from tests.patience import PATIENCE_S
from tests.postgres_cluster import environment
from tests.served import served
from tests.tokens.test_processes import database_url


@pytest.mark.django_db
def test_a_certificate_that_is_not_the_receivers_gets_nothing(
    organization, user, client, make_channel, settings, authority, tmp_path
):
    """Of an authority that we don't know, and of another name; the page says which it is."""
    channel, unknown = make_channel(), Authority(tmp_path / "unknown")
    outbox.post(organization, make_message())
    client.force_login(user)
    for context, why in (
        (unknown.context("127.0.0.1"), "unable to get local issuer certificate"),
        (authority.context("evil.test"), "certificate is not valid for"),
    ):
        Delivery.objects.update(next_try_at=clock.now())
        with receiving(settings, context) as receiver:
            work()

        page = client.get(reverse("dashboard:channel", args=[channel.pk])).content.decode()
        assert "its certificate is refused: " in page
        assert why in page
        assert receiver.calls == []
    Delivery.objects.update(next_try_at=clock.now())

    with receiving(settings, authority.context("127.0.0.1")) as receiver:
        work()

    assert receiver.titles == ["Spice is late"]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_worker_delivers_over_tls(organization, make_channel, settings, authority):
    """A process of its own, which reads `SSL_CERT_FILE` when it starts."""
    channel = make_channel()
    outbox.post(organization, make_message())
    with receiving(settings, authority.context("127.0.0.1")) as receiver:
        bases = json.dumps(settings.WEBHOOK_BASE_URLS)
        trusted = {"SSL_CERT_FILE": str(authority.certificate_path), "WEBHOOK_BASE_URLS": bases}
        subprocess.run(
            [sys.executable, "manage.py", "worker", "--once"],
            cwd=ROOT,
            env=environment(database_url(), **trusted),
            check=True,
            timeout=PATIENCE_S,
        )

    (call,) = receiver.calls
    told = Webhook(channel.secrets["signing"]).verify(call.body, call.headers)
    assert told["data"]["title"] == "Spice is late"


class MailServer(socketserver.StreamRequestHandler):
    """Takes mails (RFC 5321): `server.taken` has their lines."""

    def handle(self):
        self.say("220 arrakis")
        lines = (line.decode().rstrip() for line in self.rfile)
        for line in lines:
            if line == "data":
                self.say("354 go on")
                self.server.taken += iter(lambda: next(lines), ".")
            self.say("250 well")

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(settings, tls):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer)
    server.taken, server.daemon_threads = [], True
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
    settings.EMAIL_USE_SSL = True
    with served(server):
        yield server.taken


def send_mail():
    EmailMessage("Spice", "is late", to=["ops@arrakis.test"]).send()


def test_a_mail_server_is_known_by_its_certificate(settings, authority, tmp_path):
    unknown = Authority(tmp_path / "unknown")
    for context in (unknown.context("127.0.0.1"), authority.context("evil.test")):
        with mail_server(settings, context) as taken, pytest.raises(ssl.SSLCertVerificationError):
            send_mail()
        assert taken == []

    with mail_server(settings, authority.context("127.0.0.1")) as taken:
        send_mail()

    assert "Subject: Spice" in taken
