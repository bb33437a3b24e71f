"""One code, one callback or one link that is used a hundred times at once: one use succeeds."""

import html
import json

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.connect import flow, links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.credentials import gateway_secrets, kinds
from sequin_admin.credentials.models import Credential
from tests.parallel import USES, in_parallel
from tests.simulator_server import local

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
SPENT = "This code is unknown, was exchanged before, or is more than 60 seconds old"
FINISHED = "This connection was already finished"
USED, TRIED = "This link was used", "This link was tried 30 times"


def split(answers, status):
    """The only answer with this status, and the texts of the others."""
    (one,) = [answer for answer in answers if answer.status_code == status]
    others = [html.unescape(a.content.decode()) for a in answers if a is not one]
    assert len(others) == USES - 1
    return one, others


def test_one_exchange_of_a_code_at_the_token_endpoint(app, code):
    _, secret = gateway_secrets.rotate(app, actor=None)
    body = json.dumps({"client_id": str(app.pk), "client_secret": secret, "code": code})

    answers = in_parallel(lambda _: Client().post("/link/oauth2/token", body, "application/json"))

    one, others = split(answers, 200)
    assert one.json()["credential"]["properties"]["refresh_token"] == "r"
    assert {json.loads(text)["error"] for text in others} == {"invalid_grant"}
    assert all(json.loads(text)["error_description"].startswith(SPENT) for text in others)
    assert Event.objects.filter(action="handover.exchanged").count() == 1


def test_one_exchange_of_a_code_with_a_key(make_client, organization, code):
    key = make_client(organization, Scope.SECRETS)

    answers = in_parallel(lambda _: key.post("/v1/credentials/exchange-code", {"code": code}))

    one, others = split(answers, 200)
    assert one.json()["credential"]["properties"]["refresh_token"] == "r"
    assert all(json.loads(t)["validation_errors"]["code"][0].startswith(SPENT) for t in others)
    assert Event.objects.filter(action="handover.exchanged").count() == 1


def test_one_callback_of_a_connection(organization, user, make_app, simulated):
    browser = Client()
    browser.force_login(user)
    url = flow.start(
        organization,
        kinds.get("hubspot_oauth2"),
        user=user,
        session_key=browser.session.session_key,
        oauth_app=make_app("hubspot"),
    )
    back = local(simulated.consent(url, account="21902692"))

    answers = in_parallel(lambda _: copy_of(browser).get(back))

    credential = Credential.objects.get()
    there = reverse("dashboard:credential", args=[credential.pk])
    # What comes once the connection is finished leads to the credential, too.
    assert {answer["Location"] for answer in answers if answer.status_code == 302} == {there}
    assert all(FINISHED in a.content.decode() for a in answers if a.status_code != 302)
    assert Event.objects.filter(action="credential.created").count() == 1


def copy_of(browser):
    """Another tab: the same cookies."""
    tab = Client()
    tab.cookies = browser.cookies
    return tab


def test_one_use_of_a_link(organization, user, simulated):
    link = links.create(organization, [kinds.get("stripe_key")], actor=user)
    address = local(links.address(link))
    browsers = [Client() for _ in range(USES)]
    for browser in browsers:
        browser.get(address)
    assert Session.objects.count() == USES
    secret = simulated.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    form = {"name": "Arrakis", "secret": secret, "test": "on"}
    page = reverse("gateway:connect", args=[link.pk, "stripe_key"])

    answers = in_parallel(lambda browser: browser.post(page, form), browsers)

    _, others = split(answers, 302)
    assert all(USED in text or TRIED in text for text in others)
    assert ConnectLink.objects.get().credential == Credential.objects.get()
    assert Event.objects.filter(action="connect_link.completed").count() == 1
