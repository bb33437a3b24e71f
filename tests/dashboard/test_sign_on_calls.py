"""What an OpenID provider can do by its answers: nothing but fail."""

import json
import socket
import threading
import time
from contextlib import suppress

import pytest
import structlog
from django.urls import reverse

from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.audit.models import Event
from sequin_admin.dashboard import sign_on_http
from sequin_admin.dashboard.sign_on import SignOnAdapter

BEGIN = reverse("openid_connect_login", args=["odd"])
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


@pytest.fixture
def odd(settings, script):
    """A provider whose answers the test writes: `odd.url`, and `odd.config()` for discovery."""
    settings.PUBLIC_URL = "http://testserver"

    def name_it(**options):
        given = {"issuer": script.url, "client_id": "us", "client_secret": "canary", "name": "Odd"}
        settings.OIDC_PROVIDERS = {"odd": IdentityProvider.model_validate({**given, **options})}

    def config(**changed):
        urls = {name: f"{script.url}/{name}" for name in ENDPOINTS}
        return {"issuer": script.url, **urls, **changed}

    name_it()
    script.name_it, script.config = name_it, config
    return script


def begin_and_return(client, odd, *answers):
    """The page after the callback, when discovery and these calls are answered so."""
    odd.say((200, odd.config()))
    begun = client.post(BEGIN)
    state = dict(part.split("=") for part in begun["Location"].split("?")[1].split("&"))["state"]
    odd.say(*answers)
    return client.get(f"{BEGIN}callback/?code=c&state={state}")


def reasons(logs):
    return " ".join(each["reason"] for each in logs if each["event"] == "sign_on_failed")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://169.254.169.254/latest/meta-data/iam", "No setting allows"),
        ("http://169.254.169.254/latest/meta-data/iam", "without https"),
        ("https://[fd00:ec2::254]/", "No setting allows"),
        ("https://10.0.0.1/token", "not a public address"),
        ("https://localhost:1/token", "not a public address"),
        ("https://2130706433/", "not a public address"),
        ("http://example.com/token", "without https"),
        ("file:///etc/passwd", "without https"),
        ("https://[", "without https"),
    ],
)
@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_its_configuration_sends_us_nowhere_else(odd, name, url, reason):
    known = IdentityProvider.model_validate(
        {"issuer": odd.url, "client_id": "us", "name": "Odd", "client_secret": "canary"}
    )

    with pytest.raises((sign_on_http.TokenRefused, sign_on_http.http.Unreachable), match=reason):
        sign_on_http.fetch_object(known, "POST", odd.config(**{name: url})[name], form={"a": "b"})

    assert odd.seen == []


def test_a_sign_on_with_such_a_configuration_is_refused_and_told(client, db, odd):
    evil = odd.config(token_endpoint="https://169.254.169.254/token")
    with structlog.testing.capture_logs() as logs:
        odd.say((200, evil))
        begun = client.post(BEGIN)
        state = begun["Location"].split("state=")[1].split("&")[0]
        odd.say((200, evil))
        answer = client.get(f"{BEGIN}callback/?code=c&state={state}")

    assert answer.status_code == 403
    assert "did not tell us who you are" in answer.content.decode()
    assert "169.254.169.254 is not a public address" in reasons(logs)
    assert Event.objects.get(action="user.sign_on_refused").details["code"] == "not_trusted"
    assert "canary" not in str(logs) + str(odd.seen)


def test_a_private_host_is_called_once_the_operator_names_it(odd):
    """The issuer's own, too, whatever its port; a metadata service never."""
    port = odd.url.rpartition(":")[2]
    elsewhere = f"https://localhost:{port}/jwks"
    given = {"issuer": odd.url, "client_id": "us", "name": "Odd"}
    with pytest.raises(sign_on_http.TokenRefused, match="add it to its hosts in OIDC_PROVIDERS"):
        sign_on_http.fetch_object(IdentityProvider.model_validate(given), "GET", elsewhere)

    for host in ("localhost", "169.254.169.254"):
        # In whatever case it is written.
        known = IdentityProvider.model_validate({**given, "hosts": [host.upper()]})
        # There is no TLS at that port.
        wanted = "localhost could not" if host == "localhost" else "No setting allows"
        with pytest.raises(sign_on_http.http.Unreachable, match=wanted):
            sign_on_http.fetch_object(known, "GET", elsewhere.replace("localhost", host))


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"x" * 3_000_000),
        (302, {}, {"Location": "http://169.254.169.254/latest/meta-data"}),
        (200, b"<html>"),
        (200, b"[" * 100_000),
        (200, ["a list"]),
        (200, None),
        (500, {"issuer": "?"}),
        (200, {"issuer": 7}),
        (200, {"issuer": "https://example.com"}),
    ],
    ids=["huge", "redirect", "page", "nested", "list", "empty", "broken", "number", "lacks"],
)
def test_an_odd_configuration_signs_nobody_on(client, db, odd, answer):
    odd.say(answer)

    page = client.post(BEGIN)

    assert page.status_code == 403
    assert "did not tell us who you are" in page.content.decode()
    assert len(odd.seen) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [(200, {})],
        [(200, {"access_token": 7})],
        [(200, b"access_token=a&id_token=b")],
        [(200, {"access_token": "a", "expires_in": "soon"})],
        [(200, {"access_token": "a", "id_token": ["b"]})],
        [(200, {"access_token": "a", "id_token": "a.b.c"}), (200, {"keys": "none"})],
        [(200, {"access_token": "a", "id_token": "a.b.c"}), (200, {"keys": [{"kty": 1}]})],
        [(200, {"access_token": "a", "id_token": "a.b.c"}), (200, b"y" * 3_000_000)],
    ],
)
def test_odd_tokens_and_keys_sign_nobody_on(client, db, odd, answers):
    page = begin_and_return(client, odd, (200, odd.config()), *answers)

    assert page.status_code == 403
    assert "did not tell us who you are" in page.content.decode()


def test_odd_ways_to_prove_us_are_none(client, db, odd):
    odd.say((200, odd.config(token_endpoint_auth_methods_supported=7)))

    assert client.post(BEGIN).status_code == 302


def test_one_that_trickles_is_left_at_the_deadline(odd, monkeypatch):
    """One deadline for the whole answer: each byte would renew a time limit per read."""
    monkeypatch.setattr(sign_on_http, "DEADLINE_S", 0.5)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle():
            line, _ = listener.accept()
            with line, suppress(OSError):
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(0.05):
                    line.sendall(b" ")

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        known = IdentityProvider(name="Odd", issuer=issuer, client_id="us")
        begun = time.monotonic()

        with pytest.raises(sign_on_http.http.Unreachable, match=r"within 0\.5 seconds"):
            sign_on_http.fetch_object(known, "GET", f"{issuer}/x")

        # It would have gone on for 5,000 seconds.
        assert time.monotonic() - begun < 60
        stop.set()
        thread.join()


def test_no_call_goes_another_way():
    with pytest.raises(NotImplementedError):
        SignOnAdapter().get_requests_session()


def test_the_secret_is_sent_to_the_issuer_alone(client, db, odd):
    begin_and_return(client, odd, (200, odd.config()), (400, {"error": "invalid_grant"}))

    sent = [path for _, path, headers, body in odd.seen if "canary" in f"{headers}{body!r}"]
    assert sent == ["/token_endpoint"]
    assert json.dumps(odd.config()).count(odd.url) == 5
