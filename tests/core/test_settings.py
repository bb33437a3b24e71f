"""Settings as a process reads them from its environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sequin_admin.core import new_env
from sequin_admin.core.database_url import database_settings
from sequin_admin.core.env import ROOT

KEY = Fernet.generate_key().decode()
REQUIRED = {"SECRET_KEY": "a", "FIELD_ENCRYPTION_KEY": KEY, "DEBUG": "True"}
# Of what the tests' own environment or .env say.
UNSET = {"TARGET_NETWORKS": "", "WEBHOOK_BASE_URLS": "", "PUBLIC_URL": "http://127.0.0.1:8000"}


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    module = {"DJANGO_SETTINGS_MODULE": "sequin_admin.settings"}
    known = {**os.environ, **REQUIRED, **UNSET, **module, **environment}
    code = f"from django.conf import settings; settings.DEBUG; {code}"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True)


def setting(name: str, **environment: str) -> str:
    done = run(f"print(settings.{name})", **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "value"), [("TARGET_NETWORKS", "[]"), ("WEBHOOK_BASE_URLS", "{}")]
)
def test_no_private_network_is_called_unless_it_is_named(name, value):
    """Also while developing: `DEBUG` changes nothing."""
    assert setting(name) == value


def test_our_own_error_pages_are_shown_on_a_machine_of_ones_own_too():
    """Django's show settings, paths and local variables."""
    assert setting("DEBUG", DEBUG="True") == "False"
    assert setting("LOG_FORMAT", DEBUG="True") == "console"


def test_the_env_of_make_setup_names_this_machine_for_targets():
    made = subprocess.run(
        [sys.executable, "-m", new_env.__name__], cwd=ROOT, capture_output=True, text=True
    )
    lines = made.stdout.splitlines()
    values = dict(line.split("=", 1) for line in lines if not line.startswith("#"))

    named = setting("TARGET_NETWORKS", TARGET_NETWORKS=values["TARGET_NETWORKS"])

    assert named == "['127.0.0.0/8', '::1/128']"


@pytest.mark.parametrize("name", ["TARGET_NETWORKS", "STAFF_NETWORKS"])
def test_what_is_no_network_stops_the_start(name):
    """Also commas alone, as of two variables that are not set: none would mean everywhere."""
    for value, said in (("10.0.0.0/99", "This is no network"), (" , ", "names no network")):
        done = run("", **{name: value})

        assert done.returncode == 1
        assert f"ImproperlyConfigured: {name} is '{value}'" in done.stderr
        assert said in done.stderr
    assert setting(name, **{name: "10.1.2.3/8, fd00::/8,"}) == "['10.0.0.0/8', 'fd00::/8']"


def test_networks_of_staff_behind_a_proxy_need_its_word():
    """Else everybody comes from the proxy, which is in a private network as staff are."""
    proxied = {"STAFF_NETWORKS": "10.0.0.0/8", "BEHIND_TLS_PROXY": "True"}
    start = "import django; django.setup()"

    assert "Set TRUSTED_PROXIES to" in run(start, **proxied, TRUSTED_PROXIES="").stderr
    for proxies in ("1", "10.0.0.0/8"):
        assert run(start, **proxied, TRUSTED_PROXIES=proxies).returncode == 0


def test_a_path_in_the_public_address_stops_the_start():
    done = run("", PUBLIC_URL="https://example.com/sequin")

    assert done.returncode == 1
    assert "PUBLIC_URL has a path" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "80x", "PORT must be a whole number"),
        ("MAX_SYNCS", "1,000", "MAX_SYNCS must be a whole number"),
        ("LIMITER_FALLBACK_SHARE", "half", "LIMITER_FALLBACK_SHARE must be a number"),
        ("PROVIDER_BASE_URLS", "{bad", "PROVIDER_BASE_URLS must be JSON"),
        ("EMAIL_URL", "mail.example.com", "EMAIL_URL must name a mail server"),
        ("DEBUG", "maybe", "DEBUG must be True or False"),
        ("DATABASE_URL", "postgresql://a:b@host:port/name", "DATABASE_URL must look like"),
    ],
)
def test_a_value_of_another_type_stops_the_start_with_a_sentence(name, value, sentence):
    done = run("", **{name: value})

    assert done.returncode == 1
    assert sentence in done.stderr.splitlines()[-1]
    assert value not in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("url", "modes"),
    [
        ("smtps://u:p@mail.test:465", "(None, True)"),
        ("smtp+ssl://u:p@mail.test", "(None, True)"),
        ("smtp+tls://u:p@mail.test:587", "(True, None)"),
        ("smtp://smtps:p@mail.test", "(None, None)"),
    ],
)
def test_mail_is_sent_with_the_tls_that_its_address_names(url, modes):
    """smtps begins with TLS (RFC 8314); asked for STARTTLS there, a server says nothing."""
    names = ("EMAIL_USE_TLS", "EMAIL_USE_SSL")
    shown = ", ".join(f"settings.EMAIL_CONFIG.get({name!r})" for name in names)

    assert run(f"print(({shown}))", EMAIL_URL=url).stdout.strip() == modes


def test_an_empty_address_of_the_database_is_none():
    """As of a variable that compose passes on without a value."""
    engine = setting("DATABASES['default']['ENGINE']", DATABASE_URL="")

    assert engine == "sequin_admin.core.sqlite"


def test_mails_are_only_printed_without_a_mail_server():
    backend = setting("EMAIL_CONFIG['EMAIL_BACKEND']", EMAIL_URL="")

    assert backend == "sequin_admin.core.console_mail.EmailBackend"


def test_the_systems_authorities_are_found_for_the_database():
    """The driver's OpenSSL looks for them where nothing is; a weaker mode is for it to refuse."""
    url = "postgresql://u:p@db.test/x?sslrootcert=system"
    for more in ("", "&sslmode=verify-full"):
        options = database_settings(url + more)["OPTIONS"]
        assert options["sslmode"] == "verify-full"
        assert Path(options["sslrootcert"]).is_file()

    assert database_settings(f"{url}&sslmode=require")["OPTIONS"]["sslrootcert"] == "system"


def test_the_public_address_may_be_of_ipv6():
    assert setting("ALLOWED_HOSTS", PUBLIC_URL="http://[::1]:8000") == "['[::1]', 'localhost']"


@pytest.mark.parametrize("name", ["PROVIDER_BASE_URLS", "WEBHOOK_BASE_URLS"])
def test_a_host_with_another_base_is_known_in_every_spelling(name):
    """Or calls would go past it, to the provider itself."""
    proxy = "https://proxy.example.com"

    known = setting(name, **{name: f'{{"API.HubAPI.com.": "{proxy}"}}'})

    assert known == str({"api.hubapi.com": proxy})
    for wrong in ("api.hubapi.com", '["api.hubapi.com"]'):
        assert f"{name} must be JSON such as" in run("", **{name: wrong}).stderr


HTTPS = {"PUBLIC_URL": "https://admin.example.com", "DEBUG": "False"}
PROXIED = {**HTTPS, "BEHIND_TLS_PROXY": "True", "TRUSTED_PROXIES": "1"}


def test_cookies_under_https_are_of_this_host_only():
    """A browser refuses a cookie of this name from another subdomain."""
    names = "SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME"

    assert setting(names, **HTTPS) == "__Host-sessionid __Host-csrftoken"
    assert setting("SESSION_COOKIE_SECURE", **HTTPS) == "True"


def test_hsts_speaks_for_other_hosts_only_when_told_to():
    names = ("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")

    assert [setting(name, **HTTPS) for name in names] == ["False", "False"]
    assert [setting(name, **HTTPS, **{name: "True"}) for name in names] == ["True", "True"]


def test_the_deploy_check_is_content_without_subdomains_and_preload():
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    known = {**os.environ, **REQUIRED, **UNSET, **PROXIED, "SECRET_KEY": "k-" * 40 + "abcdefgh"}
    # The browser tests set it in the process that runs them.
    known.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)

    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_authorities_that_can_not_be_read_stop_the_start(tmp_path):
    """At the start, and not at each call to a provider."""
    missing, other = tmp_path / "missing.pem", tmp_path / "other.pem"
    other.write_text("no certificate")

    for path in (missing, other):
        done = run("import django; django.setup()", SSL_CERT_FILE=str(path))

        assert f"ImproperlyConfigured: SSL_CERT_FILE names {path}, which holds no" in done.stderr
