"""The pages of every kind, without a browser: found, connected, broken, deleted; denied.

A browser does the same with one kind of each way to connect: `browser/test_every_kind.py`.
"""

import re

import pytest
from lxml import html

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import MASK
from tests.browser.kinds import OAUTH, STORIES, answers, each_way, way
from tests.simulator_server import local

OURS = [kind for kind in OAUTH if kind.client_is_ours()]
SECRETS = [kind for kind in OURS if not kind.mints_tokens()]
EVERY = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
# What a browser meets alike.
ALIKE = [
    ["airtable_oauth2", "hubspot_oauth2", "linear_oauth2", "stripe_oauth2"],
    ["auth0_client_credentials", "marketo_client_credentials", "servicenow_client_credentials"],
    ["checkout_champ_password", "netsuite_tba", "workday_password"],
    ["netsuite_oauth2", "servicenow_oauth2"],
    *([slug] for slug in ("github_app", "netsuite_client_credentials", "quickbooks_oauth2")),
    *([slug] for slug in ("salesforce_oauth2", "sendgrid_key", "shopify_oauth2", "stripe_key")),
    ["workday_oauth2"],
]


class Visitor:
    """Follows links and sends forms by the words that stand on them."""

    def __init__(self, client):
        self.client, self.address, self.page = client, "", None

    def open(self, address):
        answer = self.client.get(address, follow=True)
        assert answer.status_code == 200, address
        self.address = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        self.page = html.fromstring(answer.content)

    def says(self):
        return " ".join(self.page.text_content().split())

    def labelled(self, tag, words):
        """The elements whose text or label is these words."""
        for each in self.page.iter(tag):
            if words in (" ".join(each.text_content().split()), each.get("aria-label")):
                yield each

    def follow(self, words):
        self.open(next(self.labelled("a", words)).get("href"))

    def field(self, form, title):
        pattern = re.compile(rf"^{re.escape(title)}\W*$")
        labels = [each for each in form.iter("label") if pattern.match(each.text_content().strip())]
        return self.page.get_element_by_id(labels[0].get("for")).get("name")

    def press(self, button, declared=None, values=None, **titled):
        """Send the form of a button, with properties and other fields by their labels."""
        form = next(next(self.labelled("button", button)).iterancestors("form"))
        data = dict(form.form_values())
        for name, value in (values or {}).items():
            titled[declared.model_fields[name].title or name] = value
        for title, value in titled.items():
            data |= {self.field(form, title): value}
            if value is False:
                del data[self.field(form, title)]
        answer = self.client.post(form.get("action") or self.address, data)
        assert answer.status_code == 302, answer.content.decode()
        return answer["Location"]


@pytest.fixture
def visitor(client, user):
    client.force_login(user)
    return Visitor(client)


def add_app(visitor, simulated, provider):
    """Our OAuth app, with the values of the provider's developer page."""
    known, fields = simulated.app(provider), kinds.oauth_of(provider).app
    values = {name: known[name] for name in fields.names() if name in known}
    named = {"Name": f"Our {provider} app", "Client ID": known["client_id"]}
    visitor.open(visitor.press("Save", fields, values, **named))


def choose(visitor, simulated, kind):
    """Go to the form of the kind, by way of an OAuth app of ours where it needs one."""
    visitor.open("/credentials/new/")
    visitor.follow(kind.full_title())
    if kind.oauth and kind.has_form():
        visitor.follow(f"connect by a login at {kind.provider_title}")
    if kind.client_is_ours():
        visitor.follow("Add an OAuth app")
        add_app(visitor, simulated, kind.provider)
        visitor.follow("Connect an account")


def send(visitor, simulated, kind, *, allow=True):
    """Fill the form and come back from the provider."""
    button = f"Connect with {kind.provider_title}" if kind.oauth else "Save"
    there = visitor.press(button, kind.properties_class, answers(simulated, kind))
    if kind.oauth:
        there = local(simulated.consent(there, account=STORIES[kind.slug].account, allow=allow))
    visitor.open(there)


def test_a_browser_meets_each_way_to_connect():
    ways = {}
    for kind in kinds.all():
        ways.setdefault(way(kind), []).append(kind.slug)

    assert sorted(ways.values()) == sorted(ALIKE)
    for known in (kinds.all(), OAUTH, SECRETS):
        walked = each_way(known, pytest.mark.faults).mark.args[1]
        assert {way(row.values[0]) for row in walked} == {way(kind) for kind in known}


@EVERY
def test_a_kind_is_connected_breaks_and_is_deleted(visitor, simulated, kind):
    story = STORIES[kind.slug]
    choose(visitor, simulated, kind)
    send(visitor, simulated, kind)

    credential = Credential.objects.get()
    page = visitor.says()
    assert "Healthy" in page
    assert story.shown in page
    assert page.count(MASK) >= len(credential.secret_names)
    assert not [value for value in credential.secrets.values() if value and value in page]

    for action in story.ends:
        simulated.act(kind.provider, story.account, action)
    visitor.open(visitor.press("Verify now"))
    health = visitor.page.get_element_by_id("health").text_content()
    assert "Customer must act" in health
    assert story.told in " ".join(health.split())
    step = story.mended_by.format(provider=kind.provider_title)
    steps = visitor.page.get_element_by_id("health").find_class("btn-primary")
    assert [each.text_content().strip() for each in steps] == [step]

    visitor.follow("Danger")
    visitor.follow("Delete")
    confirmed = {f"Type {credential.name} to confirm": credential.name}
    visitor.press(f"Delete {credential.name}", **confirmed)
    assert not Credential.objects.exists()


@pytest.mark.parametrize("kind", OAUTH, ids=lambda kind: kind.slug)
def test_denied_access_is_told_and_nothing_is_kept(visitor, simulated, kind):
    choose(visitor, simulated, kind)
    send(visitor, simulated, kind, allow=False)

    page = visitor.says()
    assert f"{kind.provider_title} is not connected" in page
    assert f"Access was denied at {kind.provider_title}, so nothing was connected." in page
    visitor.follow("Try again")
    assert list(visitor.labelled("button", f"Connect with {kind.provider_title}"))
    assert not Credential.objects.exists()


@pytest.mark.parametrize("kind", SECRETS, ids=lambda kind: kind.slug)
def test_a_client_secret_that_changed_is_ours_to_replace(visitor, simulated, kind):
    choose(visitor, simulated, kind)
    send(visitor, simulated, kind)
    address = visitor.address

    simulated.rotate_app_secret(kind.provider)
    simulated.act(kind.provider, STORIES[kind.slug].account, "expire")
    visitor.open(visitor.press("Verify now"))
    assert "We must act" in visitor.says()
    assert "rejects our OAuth app" in visitor.says()

    visitor.follow("Open the OAuth app")
    visitor.follow("Correct the app")
    visitor.open(visitor.press("Save", **{"Client secret": "rotated"}))
    visitor.open(address)
    visitor.open(visitor.press("Verify now"))
    assert "Healthy" in visitor.says()
