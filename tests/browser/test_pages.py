"""Every page in both themes and widths: accessible, without horizontal scrolling."""

from collections.abc import Callable, Iterable
from datetime import time, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.forms import Field
from django.test import Client
from django.urls import resolve, reverse
from playwright.sync_api import Page, expect

from sequin_admin.access import calendar_feeds, exports, invitations, keys, list_settings, members
from sequin_admin.access.models import Membership, Organization, StaffAccess, User
from sequin_admin.connect import batches, links, mails
from sequin_admin.connect.models import BatchAction, ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import CredentialForm
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard import urls
from sequin_admin.demo.models import Demo
from sequin_admin.health import outages, probes
from sequin_admin.health.models import Cause, WorkerProcess
from sequin_admin.limits import limiter, sampling
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery
from sequin_admin.syncs import streams, syncs, targets
from sequin_admin.syncs.models import Sync
from tests.browser.conftest import (
    AXE,
    enter_password,
    hold_still,
    list_faults,
    list_faults_of_sizes,
    press,
    settle,
)
from tests.conftest import make_member
from tests.factories import make_credential, make_oauth_app, make_synced
from tests.notified import make_message
from tests.run_rows import make_runs
from tests.simulator_server import Simulator


def fields_of(kind: type[Credential]) -> Iterable[Field]:
    return CredentialForm(kind.properties_class).fields.values()


# A kind for each form with other kinds of fields than the rest.
UNLIKE = {
    frozenset((type(f), type(f.widget)) for f in fields_of(kind)): kind.slug for kind in kinds.all()
}
# Tabs of what has a front.
COMMON, OF_APP = ("history/", "danger/"), ("guide/", "history/", "danger/")
NOON = "2026-11-23T12:00:00+00:00"
TALLY = {
    "renew": {"done": 4120, "failed": 0, "ran_at": NOON, "error": "", "error_at": None},
    "probe": {"done": 9, "failed": 1, "ran_at": NOON, "error": "It failed.", "error_at": NOON},
}


@pytest.fixture
def addresses(organization: Organization, user: User, simulated: Simulator) -> list[str]:
    """One URL of every page, with rows in every state."""
    app = make_oauth_app(organization, "hubspot")
    broken = make_credential(organization, "hubspot_oauth2", oauth_app=app, name="Broken app")
    working = make_credential(
        organization, "stripe_key", properties={"secret": "sk_test_arrakis0000000000000001"}
    )
    refused = make_credential(organization, "checkout_champ_password", name="Refused")
    make_credential(organization, "github_app", name="Never probed", oauth_app=None)
    for credential in (broken, working, refused):
        probes.verify(credential, actor=user)
    cause = Cause.objects.open().first()
    assert cause
    for ago in (timedelta(), timedelta(hours=1)):
        WorkerProcess.objects.create(
            hostname="arrakis", pid=1, threads=8, beat_at=clock.now() - ago, jobs=TALLY
        )
    connect_session = ConnectSession.objects.create(
        organization=organization,
        user=user,
        kind="hubspot_oauth2",
        failure="Access was denied at HubSpot, so nothing was connected.",
        state_digest="x",
        session_digest="x",
        expires_at=clock.now(),
    )
    link = links.create(organization, [working], actor=user, name="Arrakis")
    reconnect = links.create_reconnect(organization, refused, actor=user)
    links.update_link(link, actor=user, contact_email="duncan@arrakis.test", language="de")
    mails.send_link(link, actor=user)
    links.fail(reconnect, "Checkout Champ does not accept this password.")
    hook, delivery = notified(organization)
    dev, prod = (streams.create(organization, actor=user, slug=slug) for slug in ("dev", "prod"))
    sync, target, consumer = make_synced(working, stream=prod)
    key, _ = keys.create(organization, name="worker", scopes=["read"], actor=user)
    keys.rotate(key, actor=user)
    syncs.publish_badge(sync, actor=user)
    Sync.objects.update(rows_total=12_345, lag_s=3.5, last_report_at=clock.now())
    running, failed = make_runs(sync)
    targets.verify(target, actor=user)
    bare = syncs.create(refused, actor=user, name="Bare")
    for ends in (clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)):
        StaffAccess.objects.create(
            organization=organization, user=user, reason="Webhooks stopped", expires_at=ends
        )
    invitation, token = invitations.create(organization, "j@arrakis.test", "viewer", actor=user)
    membership = Membership.objects.get(user=make_member(organization, "d@arrakis.test", "viewer"))
    gone = make_member(organization, "g@arrakis.test", "owner")
    keys.create(organization, name="Left behind", scopes=["read"], actor=gone)
    members.remove(Membership.objects.get(user=gone), actor=user)
    other = Organization.objects.create(name="Caladan", slug="caladan")
    _, token_of_user = invitations.create(other, user.email, "viewer", actor=None)
    own = Membership.objects.get(user=user, organization=organization)
    calendar_feeds.make_feed(own, actor=user)
    exports.start(organization, actor=user, listed="audit", query="", count=12_345)
    for listed, query in (("credentials", "health=sequin_intervention"), ("targets", "q=x")):
        list_settings.save_view(own, listed, "Mine", query)
    every = {"actor": user, "options": {"days": 7}}
    rows = Credential.objects.of(organization).order_by("name")
    batch = batches.start(organization, rows, BatchAction.RECONNECT, **every)
    (claimed,) = batches.claim_due(1)
    batches.work_claimed(claimed)
    limiter.acquire(working, n=3)
    sampling.record_samples()
    outages.open_outage("hubspot", "HubSpot is down.")
    of_sync, of_target = f"/syncs/{sync.pk}/", f"/targets/{target.pk}/"
    one, of_app = f"/credentials/{working.pk}/", f"/oauth-apps/{app.pk}/"
    Demo.objects.create(
        organization=organization, days=89, done_days=40, ready_at=clock.now(), metered=working.pk
    )
    return [
        "/",
        "/demo/remove/",
        "/credentials/",
        "/credentials/?q=nothing+matches",
        "/credentials/?q=status:green+plan:pro&sort=-name",
        "/credentials/?health=sequin_intervention",
        "/search",
        "/search?q=stripe",
        "/search?q=status:green",
        "/credentials/new/",
        *(f"/credentials/new/{slug}/" for slug in UNLIKE.values()),
        one,
        f"/credentials/{broken.pk}/",
        f"/health/credential/{broken.pk}/",
        *(one + page for page in ("edit/", "limit/", "disable/", "delete/", "reveal/")),
        *(one + tab for tab in ("token/", "usage/", "syncs/", "use/", "history/", "danger/")),
        *(f"/credentials/{broken.pk}/{page}/" for page in ("replace", "delete")),
        f"/connect/{connect_session.pk}/failed/",
        "/connect-links/",
        f"/connect-links/{link.pk}/",
        f"/connect-links/{reconnect.pk}/",
        f"/connect-links/{link.pk}/edit/",
        f"/connect-links/{link.pk}/revoke/",
        f"/connect-links/{link.pk}/send/",
        "/connect-links/bulk/?all=1",
        f"/limits/bulk/?credential={working.pk}&credential={broken.pk}",
        f"/batches/{batch.pk}/",
        f"/batches/{batch.pk}/withdraw/",
        f"/batches/{batch.pk}/send/",
        "/connect-links/new/hubspot/",
        "/connect-links/new/stripe/",
        links.address(link),
        links.address(reconnect),
        "/link/connect/unknown",
        "/organization/",
        "/organization/sign-in/",
        "/organization/end/",
        "/branding/",
        "/mails/",
        "/mails/reconnect/ja/",
        "/oauth-apps/",
        "/oauth-apps/new/",
        "/oauth-apps/new/github/",
        of_app,
        *(of_app + page for page in ("edit/", "delete/", "secret/", "gateway-secret/", *OF_APP)),
        "/incidents/",
        "/incidents/?state=all&when=30d&q=who:us",
        *(f"/causes/{cause.pk}/{page}" for page in ("", "mute/")),
        "/notifications/",
        *(f"/notifications/new/{kind}/" for kind in ChannelKind.values),
        f"/notifications/{hook.pk}/",
        *(f"/notifications/{hook.pk}/{page}/" for page in ("edit", "rotate", "disable", "delete")),
        f"/notifications/deliveries/{delivery.uid}/",
        "/notifications/customers/",
        "/syncs/",
        "/syncs/?q=nothing+matches",
        "/syncs/new/",
        one + "syncs/new/",
        of_sync,
        f"/syncs/{bare.pk}/",
        *(of_sync + page for page in ("runs/", "pause/", "confirm-deletes/")),
        f"{of_sync}resync/?collection=stripe%3Acustomer",
        f"/syncs/{bare.pk}/runs/",
        "/syncs/runs/",
        "/syncs/runs/?status=lost&q=nothing",
        *(f"/syncs/runs/{run.pk}/" for run in (running, failed)),
        f"/syncs/runs/{running.pk}/cancel/",
        *(of_sync + page for page in ("edit/", "disable/", "delete/", "badge/", *COMMON)),
        "/streams/",
        "/streams/?q=nothing+matches",
        "/streams/new/",
        *(f"/streams/{stream.pk}/" for stream in (dev, prod)),
        f"/streams/{prod.pk}/edit/",
        f"/streams/{dev.pk}/delete/",
        "/targets/",
        "/targets/new/",
        of_target,
        of_target + "edit/",
        of_target + "delete/",
        *(of_target + tab for tab in COMMON),
        "/consumers/",
        "/consumers/new/",
        *(f"/consumers/{consumer.pk}/{tab}" for tab in ("", *COMMON)),
        f"/consumers/{consumer.pk}/edit/",
        f"/consumers/{consumer.pk}/delete/",
        "/audit/",
        "/exports/",
        "/exports/new/credentials/?q=spice",
        "/expiry/",
        "/expiry/?q=nothing+matches",
        "/expiry/calendar/",
        "/expiry/calendar/revoke/",
        "/worker/",
        "/usage/",
        "/usage/?q=nothing+matches&use=near",
        "/providers/hubspot/",
        "/docs/kinds/",
        "/docs/operate/",
        "/docs/runbooks/",
        "/docs/engines/",
        "/docs/security/",
        "/api-keys/",
        "/api-keys/new/",
        *(f"/api-keys/{key.pk}/{page}" for page in ("", "edit/", "rotate/", "revoke/")),
        "/members/",
        "/members/add/",
        "/members/leftovers/",
        f"/members/{membership.pk}/remove/",
        f"/members/invitations/{invitation.pk}/resend/",
        f"/accounts/invitation/{token}/",
        f"/accounts/invitation/{token_of_user}/",
        "/accounts/invitation/unknown/",
        "/accounts/email/",
        "/accounts/sessions/",
        "/accounts/3rdparty/",
        "/accounts/data/",
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/",
        "/accounts/2fa/webauthn/add/",
        "/login-confirmed/",
        "/accounts/2fa/",
        "/accounts/password/change/",
        "/no-such-page/",
    ]


def notified(organization: Organization) -> tuple[Channel, Delivery]:
    """A failing webhook, a disabled mail channel, and a message to a customer."""
    hook = channels.create(
        organization,
        ChannelKind.WEBHOOK,
        actor=None,
        name="Data platform",
        address="https://hooks.arrakis.invalid/sequin",
        quiet_from=time(22),
        quiet_until=time(7),
    )
    mail = channels.create(
        organization, ChannelKind.MAIL, actor=None, name="Ops", address="ops@arrakis.test"
    )
    channels.disable(mail, actor=None, reason="The receiver wants no more messages.")
    told = make_message(
        severity=Severity.WARNING, to_customer="jessica@caladan.test", customer_text="Hello."
    )
    outbox.post(organization, told)
    return hook, outbox.send_test(hook, actor=None)


# What is read but is no page: redirects, parts of pages, files.
PARTS = {"tour", "connect", "limit_pace", "badges", "branding_style", "connect_links_csv", "export"}


# Where each of four sentences is almost the colour of the card, and like all others elsewhere.
PALE_IN = {
    f"{theme}-{size}": f"({width}) and (prefers-color-scheme: {theme})"
    for theme in ("light", "dark")
    for size, width in (("wide", "min-width: 1000px"), ("narrow", "max-width: 500px"))
}
PALE = """rules => Object.entries(rules).forEach(([name, where], number) => {
  const part = name.startsWith("light") ? 230 + number : 20 + number;
  document.styleSheets[0].insertRule(
    `@media ${where} { #${name} { color: rgb(${part}, ${part}, ${part}) !important } }`);
  document.querySelector("main").insertAdjacentHTML("beforeend", `<p id="${name}">Words</p>`);
})"""


def kind_of(converter: object) -> str:
    return type(converter).__name__.removesuffix("Converter").lower()


def test_no_page_is_left_out(addresses: list[str], user: User, client: Client) -> None:
    """Whatever can be read, and is not a part of a page, is among the addresses."""
    client.force_login(user)
    visited = {resolve(urlsplit(address).path).url_name for address in addresses[:-1]}
    arguments = {"uuid": uuid4(), "slug": "hubspot", "int": 1}
    forgotten = []

    for pattern in urls.urlpatterns:
        converters = pattern.pattern.converters.items()
        values = {name: arguments[kind_of(converter)] for name, converter in converters}
        if pattern.name in {*visited, *PARTS}:
            continue
        answer = client.get(reverse(f"dashboard:{pattern.name}", kwargs=values))
        if answer.status_code != 405:
            forgotten.append(pattern.name)

    assert forgotten == []


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_is_accessible_and_fits(page: Page, addresses: list[str], half: int) -> None:
    """In halves, for two processes."""
    faults = []
    page.add_init_script(AXE)

    for address in addresses[half::2]:
        page.goto(address)
        hold_still(page)
        faults += list_faults_of_sizes(page)

    assert faults == []


def test_what_is_pale_in_one_theme_at_one_width_is_found(page: Page) -> None:
    """Also when all else looks like what was judged on an earlier page."""
    page.goto("/members/")
    hold_still(page)
    assert list_faults_of_sizes(page) == []
    page.goto("/members/add/")
    hold_still(page)
    page.evaluate(PALE, PALE_IN)

    faults = list_faults_of_sizes(page)

    assert [
        sorted(fault.partition('id="')[2].partition('"')[0] for fault in faults),
        {fault.split(": ")[1] for fault in faults},
    ] == [sorted(PALE_IN), {"color-contrast"}]


@pytest.mark.parametrize(
    "path", ["/", "/developer/hubspot/", "/control/hubspot/21902692/", "/clock/"]
)
def test_the_simulator_is_accessible(
    open_page: Callable[..., Page], simulated: Simulator, path: str
) -> None:
    page = open_page(viewport={"width": 390, "height": 900})
    page.goto(f"{simulated.url}{path}")

    assert list_faults(page) == []


def test_the_main_pages_work_without_javascript(
    open_page: Callable[..., Page], user: User, organization: Organization
) -> None:
    """Search, edit a limit and delete by name work with plain forms and links."""
    credential = make_credential(organization, "stripe_key", name="Spice")
    page = open_page(java_script_enabled=False)
    enter_password(page, user)
    page.wait_for_url(lambda url: "/accounts/" not in url)

    page.goto("/credentials/")
    page.get_by_label("Search credentials").fill("spi")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Spice").click()
    page.get_by_role("link", name="Limits and usage").click()
    page.locator("#limit").get_by_role("link", name="Edit").click()
    page.get_by_label("Allowed requests").fill("7")
    page.get_by_role("button", name="Save limits").click()
    expect(page.locator("#limit")).to_contain_text("7 requests")

    page.get_by_role("link", name="Danger").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_label("Type Spice to confirm").fill("Spice")
    press(page, "Delete Spice")
    assert not type(credential).objects.exists()


def test_a_limit_is_edited_in_place(page: Page, organization: Organization) -> None:
    credential = make_credential(organization, "stripe_key")
    page.goto(f"/credentials/{credential.pk}/usage/")
    settle(page)

    page.locator("#limit").get_by_role("link", name="Edit").click()
    page.get_by_label("Allowed requests").wait_for()
    settle(page)
    page.get_by_label("Allowed requests").fill("0")
    page.get_by_role("button", name="Save limits").click()
    page.get_by_text("Allow at least 1 request").first.wait_for()
    settle(page)
    page.get_by_label("Allowed requests").fill("1234")
    expect(page.locator("#pace")).to_contain_text("1,234 per second")
    page.get_by_role("button", name="Save limits").click()

    page.locator("#limit").get_by_text("1,234", exact=True).wait_for()
    assert page.url.endswith(f"/credentials/{credential.pk}/usage/")


def test_a_badge_changes_by_itself(page: Page, organization: Organization) -> None:
    credential = make_credential(
        organization, "stripe_key", properties={"secret": "sk_test_arrakis0000000000000001"}
    )
    page.goto("/credentials/")
    page.locator("#credentials .badge-idle").wait_for()

    probes.verify(credential)

    page.locator("#credentials .badge-good").wait_for()
