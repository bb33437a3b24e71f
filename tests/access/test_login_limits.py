"""Login attempts are limited per caller, in a store that all processes share."""

import json
import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from sequin_admin.audit.models import Event
from sequin_admin.core import checks
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.core.networks import Proxies
from tests.tokens.test_processes import database_url

PROXY, ATTACKER, OWNER = "10.0.0.1", "198.51.100.1", "198.51.100.2"
RIGHT, WRONG = "spice must flow", "water must flow"
TOO_MANY = b"Too many failed login attempts"
# Tries wrong passwords, each for another user, and prints how many were refused for their number.
ATTACK = """
import json, sys, django
django.setup()
from django.conf import settings
from django.test import Client

# The tries of a minute are counted: they must not take longer.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

path, address, tries, name = json.loads(sys.argv[1])
headers = {"Host": "localhost"}
answers = [
    Client().post(path, {"login": f"{name}{n}@a.test", "password": "x"}, REMOTE_ADDR=address,
                  headers=headers).content
    for n in range(tries)
]
print(sum(b"Too many failed login attempts" in answer for answer in answers))
"""


def log_in(email, password=RIGHT, *, forwarded=OWNER, peer=PROXY):
    return Client().post(
        reverse("account_login"),
        {"login": email, "password": password},
        REMOTE_ADDR=peer,
        headers={"X-Forwarded-For": forwarded},
    )


def fail_ten_times(forwarded):
    for number in range(10):
        response = log_in(f"nobody{number}@a.test", WRONG, forwarded=forwarded.format(number))
        assert TOO_MANY not in response.content
    return log_in("nobody@a.test", WRONG, forwarded=forwarded.format(99))


def test_wrong_passwords_of_one_caller_behind_a_proxy_lock_out_nobody_else(user, settings):
    settings.TRUSTED_PROXIES = Proxies(hops=1)

    assert TOO_MANY in fail_ten_times(ATTACKER).content
    told = Event.objects.get(action="user.attempts_limited")
    assert (told.address, told.details) == (ATTACKER, {"page": "account_login"})
    assert log_in(user.email, forwarded=OWNER).status_code == 302


def test_a_forged_address_does_not_get_around_the_limit(user, settings):
    settings.TRUSTED_PROXIES = Proxies.parse(["10.0.0.0/8"])

    assert TOO_MANY in fail_ten_times("192.0.2.{}, " + ATTACKER).content
    assert TOO_MANY in log_in(user.email, forwarded=ATTACKER).content


def test_without_a_trusted_proxy_the_header_counts_for_nothing(user, settings):
    settings.TRUSTED_PROXIES = Proxies()

    assert TOO_MANY in fail_ten_times("192.0.2.{}").content


def test_a_page_beyond_its_limit_leaves_an_event(db, client):
    answers = [
        client.post(reverse("account_reset_password"), {"email": "a@b.test"}) for _ in range(30)
    ]

    assert answers[-1].status_code == 429
    assert (
        Event.objects.get(action="user.attempts_limited").details["page"].endswith("reset_password")
    )


def test_callers_whose_address_is_not_known_can_log_in(user):
    assert log_in(user.email, peer="", forwarded="").status_code == 302


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_two_processes_count_together(user):
    def attack(name, tries=8):
        told = json.dumps([reverse("account_login"), ATTACKER, tries, name])
        environment = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
            "DATABASE_URL": database_url(),
        }
        command = [sys.executable, "-c", ATTACK, told]
        return int(subprocess.check_output(command, cwd=ROOT, env=environment, text=True))

    refused = attack("a") + attack("b")

    assert refused == 6


def test_a_proxy_that_is_not_trusted_is_warned_of(settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = Proxies()
    found = {each.id for each in run_checks(tags=["security"], include_deployment_checks=True)}
    settings.TRUSTED_PROXIES = Proxies(hops=1)
    trusted = {each.id for each in run_checks(tags=["security"], include_deployment_checks=True)}

    assert "sequin_admin.W001" in found - trusted


def test_an_address_that_redirects_to_itself_is_warned_of(settings, client, caplog):
    """With https in PUBLIC_URL, behind a proxy that nobody told us of."""
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, None
    proxied = {"Host": "localhost", "X-Forwarded-Proto": "https"}
    looped = client.get("/accounts/login/", headers=proxied)
    found = {each.id for each in run_checks(tags=["security"])}
    checks.log_proxy_risks()
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    told = {each.id for each in run_checks(tags=["security"])}

    assert (looped.status_code, looped["Location"]) == (301, "https://localhost/accounts/login/")
    assert "sequin_admin.W003" in found - told
    (record,) = caplog.records
    assert "again and again. Set BEHIND_TLS_PROXY=True" in record.msg["reason"]
    assert Client().get("/accounts/login/", headers=proxied).status_code == 200
