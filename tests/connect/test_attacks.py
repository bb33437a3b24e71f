"""Attacks on connecting, besides those in test_flow.py, test_links.py and providers/."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sequin_admin.access.models import Membership
from sequin_admin.access.policy import Role
from sequin_admin.connect import flow, links
from sequin_admin.connect.models import ConnectSession
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import OAuthContext, TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from tests.connect_sessions import query_of
from tests.simulator_server import local

HUBSPOT, LINEAR = kinds.get("hubspot_oauth2"), kinds.get("linear_oauth2")

# Properties that become part of a URL: the kind, and the suffixes of which the host must have one.
HOSTS = [
    ("auth0_client_credentials", "domain", "https://{}", ".auth0.com"),
    (
        "salesforce_oauth2",
        "instance_url",
        "{}",
        (".salesforce.com", ".force.com", ".salesforce.mil"),
    ),
    ("salesforce_oauth2", "login_host", "https://{}", (".salesforce.com", ".salesforce.mil")),
    ("servicenow_oauth2", "instance_url", "{}", ".service-now.com"),
    ("servicenow_client_credentials", "instance_url", "{}", ".service-now.com"),
    ("shopify_oauth2", "shop", "https://{}", ".myshopify.com"),
    ("workday_oauth2", "host", "https://{}", "workday.com"),
    ("workday_password", "host", "https://{}", "workday.com"),
    ("marketo_client_credentials", "munchkin_id", "https://{}.mktorest.com", ".mktorest.com"),
    ("netsuite_tba", "account_id", "https://{}.suitetalk.api.netsuite.com", ".netsuite.com"),
]
# Loopback, metadata and foreign hosts, plain and disguised as the provider's.
PLACES = [
    "127.0.0.1",
    "localhost",
    "169.254.169.254",
    "[::1]",
    "2130706433",
    "0x7f000001",
    "evil.test",
]
DRESSES = [
    "{place}",
    "https://{place}",
    "{good}@{place}",
    "https://{good}@{place}",
    "{good}:443@{place}",
    "{place}/{good}",
    "{place}?{good}",
    "{place}#.{good}",
    "{place}%2f.{good}",
    "{place}\\{good}",
    "{place}\n{good}",
    "{good}.{place}",
]
each_host = pytest.mark.parametrize(
    ("kind", "name", "url", "ending"), HOSTS, ids=[f"{host[0]}.{host[1]}" for host in HOSTS]
)


def accepted(kind, name, value):
    """The stored value, or None where it is refused."""
    try:
        only = kinds.get(kind).properties_class.only((name,))
        return only(**{name: value}).public_values()[name]
    except ValidationError:
        return None


@each_host
def test_no_address_of_a_provider_leads_elsewhere(kind, name, url, ending):
    good = (ending if isinstance(ending, str) else ending[0]).lstrip(".")
    for place in PLACES:
        for dress in DRESSES:
            stored = accepted(kind, name, dress.format(place=place, good=good))
            if stored is not None:
                assert urlsplit(url.format(stored)).hostname.endswith(ending), stored


@each_host
@given(data=st.data())
def test_whatever_is_accepted_names_a_host_of_the_provider(kind, name, url, ending, data):
    pattern = kinds.get(kind).properties_class.options_of(name)["match"]
    stored = accepted(kind, name, data.draw(st.from_regex(pattern, fullmatch=False)))

    if stored is not None:
        parts = urlsplit(url.format(stored))
        assert parts.hostname.endswith(ending)
        assert (parts.username, parts.port, parts.path.strip("/")) == (None, None, "")


def salesforce_grant(identity, secret="consumer-secret"):
    signed = hmac.new(secret.encode(), f"{identity}1700000000000".encode(), hashlib.sha256)
    raw = {
        "id": identity,
        "issued_at": "1700000000000",
        "instance_url": "https://arrakis.my.salesforce.com",
        "signature": base64.b64encode(signed.digest()).decode(),
    }
    return TokenGrant("access", "refresh", raw=raw)


@pytest.mark.parametrize(
    ("identity", "secret"),
    [
        ("https://evil.test/id/00D5g000004ArrakEA/005", "consumer-secret"),
        ("https://login.salesforce.com.evil.test/id/00D5g000004ArrakEA/005", "consumer-secret"),
        ("https://login.salesforce.com@evil.test/id/00D/005", "consumer-secret"),
        ("https://login.salesforce.com/id/00D5g000004ArrakEA/005", "another-secret"),
    ],
    ids=["foreign host", "similar host", "user info", "wrong signature"],
)
def test_salesforce_is_believed_only_with_its_signature_on_its_host(identity, secret):
    context = OAuthContext("client", {"client_secret": "consumer-secret"})

    with pytest.raises(Refused) as refusal:
        kinds.get("salesforce_oauth2").identify(salesforce_grant(identity, secret), context)
    assert "consumer-secret" not in refusal.value.outcome.sentence


def test_a_state_of_one_organization_is_nothing_in_another(
    organization, user, stranger, make_app, simulated
):
    """A connect session belongs to the organization that started it, also for a member of both."""
    theirs = stranger.organizations.get()
    Membership.objects.create(organization=theirs, user=user, role=Role.OWNER)
    url = flow.start(
        organization, HUBSPOT, user=user, session_key="browser", oauth_app=make_app("hubspot")
    )
    back = query_of(simulated.consent(url, account="21902692"))

    with pytest.raises(flow.BadCallback):
        flow.finish(back, user=stranger, session_key="browser", provider="hubspot")
    credential = flow.finish(back, user=user, session_key="browser", provider="hubspot").credential

    assert credential.organization == organization
    assert not Credential.objects.of(theirs).exists()


def test_a_code_of_another_app_is_worth_nothing(organization, user, make_app, simulated):
    """Code injection: the attacker's code in the victim's connect session at another provider."""
    urls = [
        flow.start(organization, kind, user=user, session_key="browser", oauth_app=make_app(where))
        for kind, where in ((HUBSPOT, "hubspot"), (LINEAR, "linear"))
    ]
    mine = query_of(simulated.consent(urls[0], account="21902692"))
    other = query_of(simulated.consent(urls[1], account="abc123"))

    connect_session = flow.finish(
        {**mine, "code": other["code"]}, user=user, session_key="browser", provider="hubspot"
    )

    assert connect_session.credential is None
    assert connect_session.failure.endswith(".")
    assert other["code"] not in connect_session.failure


def test_a_customers_connect_session_is_not_ended_by_an_operator(
    organization, user, make_app, simulated
):
    link = links.create(organization, [HUBSPOT], actor=user, oauth_app=make_app("hubspot"))
    url = flow.start(
        organization, HUBSPOT, session_key="customer", link=link, oauth_app=link.oauth_app
    )
    back = query_of(simulated.consent(url, account="21902692"))

    with pytest.raises(flow.BadCallback):
        flow.finish(back, user=user, session_key="operator", provider="hubspot")
    assert ConnectSession.objects.get().finished_at is None


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_foreign_place(user, elsewhere):
    client = Client()

    answer = client.post(
        f"{reverse('account_login')}?next={elsewhere}",
        {"login": user.email, "password": "spice must flow", "next": elsewhere},
    )

    assert answer.status_code == 302
    assert "evil.test" not in answer["Location"]
    assert "javascript" not in answer["Location"]


@pytest.mark.parametrize("name", ["next", "redirect", "redirect_url", "redirect_uri", "return_to"])
def test_no_public_page_sends_browsers_where_its_address_says(organization, user, name):
    link = links.create(organization, [kinds.get("stripe_key")], actor=user)
    query = {name: "https://evil.test/"}
    client = Client()
    paths = [
        local(links.address(link)),
        f"/link/{link.pk}/",
        f"/link/{link.pk}/thanks/",
        "/link/oauth2/callback/hubspot",
        "/link/oauth2/start/none",
    ]

    for path in paths:
        answer = client.get(path, query)
        assert "evil.test" not in answer.get("Location", "")
        assert "https://evil.test" not in answer.content.decode()
