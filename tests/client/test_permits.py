"""A worker's calls keep the rate limit and report what the provider says about its own."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2
import pytest

from sequin_admin.access.models import ApiKey
from sequin_admin.client import AsyncClient, Broken, Client, Pace, TryLater
from sequin_admin.client.dialect import Dialect
from sequin_admin.client.permits import Permit
from sequin_admin.connect import credential_operations
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter
from sequin_admin.limits.models import set_limit
from sequin_admin.limits.permits import PermitRefused
from tests.api.test_tokens import CALLS
from tests.api_client import set_request_budget
from tests.browser.kinds import STORIES
from tests.client.test_client import CONTACTS, open_http
from tests.factories import make_credential
from tests.limits.test_accuracy import most_at_once, most_in_a_window


@pytest.fixture
def client(live_server, api_key, in_redis):
    with Client(live_server.url, api_key) as client:
        yield client


@pytest.fixture
def key(organization):
    return make_credential(organization, "stripe_key")


def limit(credential, allowed, interval, at_once=0):
    rate = Rate(allowed_requests=allowed, interval=interval, max_concurrent_requests=at_once)
    set_limit(credential, rate, actor=None)
    return credential


def test_a_permit_is_held_for_the_time_of_the_call(client, key):
    limit(key, 100, 1000, at_once=1)

    with client.credential(key.pk).permit(), pytest.raises(PermitRefused):
        limiter.acquire(key)

    limiter.acquire(key)


def test_a_permit_is_given_back_when_the_call_fails(client, key):
    limit(key, 100, 1000, at_once=1)

    with pytest.raises(ZeroDivisionError), client.credential(key.pk).permit():
        _ = 1 / 0

    limiter.acquire(key)


def test_what_is_reported_as_throttled_stops_everybody(client, key):
    with client.credential(key.pk).permit() as permit:
        permit.throttled(retry_after_s=30)

    with pytest.raises(PermitRefused) as refused:
        limiter.acquire(key)
    assert 25_000 < refused.value.retry_after_ms <= 30_000


def test_a_key_that_has_used_up_its_minute_is_to_be_tried_later(client, key, api_key):
    set_request_budget(ApiKey.objects.get(), 0, for_s=40)
    mine = client.credential(key.pk, Pace(patience_s=1))

    for ask in (mine.token, mine.permits.take):
        with pytest.raises(TryLater, match="used up its") as later:
            ask()
        assert later.value.status == 429
        assert 30 < later.value.retry_after_s <= 40


def test_who_is_patient_waits_for_the_keys_next_minute(client, key, api_key):
    set_request_budget(ApiKey.objects.get(), 0, for_s=1)

    with client.credential(key.pk).permit():
        pass


def test_who_would_wait_too_long_is_told_when_to_come_back(client, key):
    limit(key, 1, 60_000)
    mine = client.credential(key.pk, Pace(patience_s=1))
    with mine.permit():
        pass

    with pytest.raises(TryLater) as later:
        mine.permits.take()
    assert 50 < later.value.retry_after_s <= 60


def test_a_disabled_credential_gives_no_permit(client, key, user):
    credential_operations.disable(key, actor=user)

    with pytest.raises(Broken, match="disabled"), client.credential(key.pk).permit():
        pass


class Aging:
    """Lets a permit grow old between `take()` and the call, as a stop of the process does."""

    def __init__(self, permits):
        self.take, self.taken, self.times = permits.take, [], 1
        permits.take = self

    def age(self, permit):
        if len(self.taken) < self.times:
            permit.ends = time.monotonic()
        self.taken.append(permit.lease)
        return permit

    def __call__(self):
        return self.age(self.take())


class AsyncAging(Aging):
    async def __call__(self):
        return self.age(await self.take())


def test_a_permit_that_grew_old_before_its_call_is_given_back_and_asked_anew(client, connected):
    row = limit(connected("hubspot_oauth2"), 2, 60_000)
    credential = client.credential(row.pk)
    aging = Aging(credential.permits)
    with open_http(credential) as http:
        http.get(CONTACTS).raise_for_status()

    assert len(aging.taken) == 1
    # The old one does not count, and nothing is out.
    assert limiter.acquire(row).leases[0] not in aging.taken
    with pytest.raises(PermitRefused):
        limiter.acquire(row)
    assert credential.permits.out == 0


def test_asyncio_asks_anew_for_a_permit_that_grew_old(live_server, api_key, in_redis, connected):
    row = limit(connected("hubspot_oauth2"), 2, 60_000)

    async def call():
        async with AsyncClient(live_server.url, api_key) as client:
            credential = client.credential(row.pk)
            AsyncAging(credential.permits)
            base_url = (await credential.token()).base_url
            transport = credential.transport()
            async with httpx2.AsyncClient(base_url=base_url, transport=transport) as http:
                (await http.get(CONTACTS)).raise_for_status()

    # The browser's loop may run in this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, call()).result()

    limiter.acquire(row)
    with pytest.raises(PermitRefused):
        limiter.acquire(row)


def test_a_permit_that_can_not_be_asked_anew_is_not_given_back_twice(client, connected):
    row = limit(connected("hubspot_oauth2"), 5, 60_000)
    credential = client.credential(row.pk, Pace(patience_s=0))
    credential.token()

    def take(take=credential.permits.take):
        permit = take()
        limiter.acquire(row, 4)
        set_request_budget(ApiKey.objects.get(), 0, for_s=40)
        permit.ends = time.monotonic()
        return permit

    credential.permits.take = take

    with open_http(credential) as http, pytest.raises(TryLater, match="used up its"):
        http.get(CONTACTS)

    assert credential.permits.out == 0


def test_the_callers_own_trace_is_called(client, connected):
    row, seen = connected("hubspot_oauth2"), []
    with open_http(client.credential(row.pk)) as http:
        http.get(CONTACTS, extensions={"trace": lambda name, info: seen.append(name)})

    assert "http11.send_request_headers.started" in seen


@pytest.mark.parametrize(("margin_s", "within_s"), [(1, 1), (2, 1), (-0.1, 1)])
def test_a_margin_that_leaves_no_time_is_refused(margin_s, within_s):
    with pytest.raises(ValueError, match="Make use_within_s longer"):
        Pace(margin_s=margin_s, use_within_s=within_s)


def test_permits_that_always_come_too_late_are_not_asked_for_ever(client, key):
    credential = client.credential(key.pk, Pace(patience_s=0.3))
    ask = credential.permits.post

    def late(ending, body):
        answer = ask(ending, body)
        answer._content = answer.content.replace(b'"use_within_ms":1000', b'"use_within_ms":0')
        return answer

    credential.permits.post = late

    with pytest.raises(TryLater, match="later than they may be used"):
        credential.permits.take()


@pytest.mark.parametrize("batch", [1, 7])
def test_the_calls_of_many_threads_keep_the_window(client, key, batch):
    """The start times of the calls count, not those of the permits."""
    limit(key, 20, 500, at_once=16)
    pace = Pace(batch=batch, use_within_s=0.2)
    credential, spans = client.credential(key.pk, pace), []

    def work(_):
        for _ in range(10):
            with credential.permit() as permit:
                began = time.monotonic_ns() // 1000
                permit.arrived()
                time.sleep(0.002)
                spans.append((began, time.monotonic_ns() // 1000))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))

    assert len(spans) == 60
    assert most_in_a_window([began for began, _ in spans], 500) <= 20
    assert most_at_once(spans) <= 16


@pytest.mark.parametrize(
    ("allowed", "at_once", "most"), [(100, 0, 10), (100, 50, 5), (100, 4, 1), (10, 0, 1)]
)
def test_permits_are_asked_for_as_many_callers_as_wait(client, key, allowed, at_once, most):
    """Up to a tenth of what is allowed, and of what may run at once; none is asked for in vain."""
    limit(key, allowed, 1000, at_once=at_once)
    permits, callers, bodies = client.credential(key.pk).permits, 12, []
    original, held = permits.post, Event()
    with permits.permit():
        pass

    def post(ending, body):
        bodies.append((ending, body))
        held.wait(30)
        return original(ending, body)

    permits.post = post

    def work(_):
        with permits.permit():
            pass

    with ThreadPoolExecutor(callers) as pool:
        done = [pool.submit(work, number) for number in range(callers)]
        while permits.waiting < callers:
            time.sleep(0.01)
        held.set()
        for each in done:
            each.result()

    asked = [body["n"] for ending, body in bodies if not ending]
    endings = [each for _, body in bodies for each in body["releases"]]
    assert permits.most == most
    assert max(asked) <= most
    assert (max(asked) > 1) == (most > 1)
    assert most == 1 or sum(asked) == callers
    assert {each["outcome"] for each in endings} == {"ok"}


def test_a_batch_saves_trips(client, key, monkeypatch):
    limit(key, 1000, 1000)
    credential, requests = client.credential(key.pk, Pace(batch=10, use_within_s=5)), []
    original = credential.permits.post
    monkeypatch.setattr(
        credential.permits, "post", lambda *sent: requests.append(sent) or original(*sent)
    )

    for _ in range(30):
        with credential.permit():
            pass

    assert len(requests) <= 3 + 3


def test_what_of_a_batch_is_left_goes_back_unused(live_server, api_key, in_redis, key):
    limit(key, 5, 60_000, at_once=5)
    with Client(live_server.url, api_key) as client:
        credential = client.credential(key.pk, Pace(batch=5, use_within_s=30))
        with credential.permit():
            pass

    assert len(limiter.acquire(key, n=5).leases) == 4


def test_a_client_closes_after_what_it_sends_by_itself(client, key, monkeypatch):
    """The unused permits of a batch are released from a timer thread."""
    permits = client.credential(key.pk).permits
    sends, may_arrive, sent, closed_after = Event(), Event(), [], []

    def post(ending, body):
        sends.set()
        assert may_arrive.wait(30)
        sent.append(body)

    permits.post, permits.back = post, [{"lease": "1.17.0."}]
    monkeypatch.setattr(client.http, "close", lambda: closed_after.append(len(sent)))
    with ThreadPoolExecutor(2) as pool:
        release = pool.submit(permits.release_unused)
        assert sends.wait(30)
        closing = pool.submit(client.close)
        may_arrive.set()
        closing.result(), release.result()

    permits.back = [{"lease": "1.18.0."}]
    permits.release_unused()
    assert closed_after == [1]
    assert sent == [{"releases": [{"lease": "1.17.0."}]}]


def test_a_permit_that_came_too_late_is_not_used(client, key):
    permits = client.credential(key.pk).permits
    permits.drawn = [Permit("1.17.0.", began=0, ends=time.monotonic() - 1)]

    assert permits.pop() is None
    assert permits.returns() == [{"lease": "1.17.0.", "outcome": "unused"}]


def test_asyncio_keeps_the_limit_too(live_server, api_key, in_redis, key):
    limit(key, 20, 500, at_once=3)
    spans = []

    async def work(credential):
        for _ in range(5):
            async with credential.permit() as permit:
                began = time.monotonic_ns() // 1000
                permit.arrived()
                await asyncio.sleep(0.002)
                spans.append((began, time.monotonic_ns() // 1000))

    async def run():
        async with AsyncClient(live_server.url, api_key) as client:
            credential = client.credential(key.pk)
            await asyncio.gather(*(work(credential) for _ in range(9)))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result()

    assert len(spans) == 45
    assert most_in_a_window([began for began, _ in spans], 500) <= 20
    assert most_at_once(spans) <= 3


PACED = [slug for slug in STORIES if kinds.get(slug).slug != "workday_password"]


@pytest.mark.parametrize("slug", PACED)
def test_every_providers_way_to_slow_us_down_is_understood(client, connected, simulated, slug):
    credential = connected(slug)
    method, path = CALLS[credential.provider]
    sent = {"json": {"query": "{ organization { id } }"}} if path == "/graphql" else {}
    with open_http(client.credential(credential.pk)) as http:
        # A kind that makes tokens from its secret does so first.
        http.request(method, path, **sent)
        simulated.act(credential.provider, STORIES[slug].account, "throttle", times=1)
        http.request(method, path, **sent)

    with pytest.raises(PermitRefused) as refused:
        limiter.acquire(credential)
    assert refused.value.retry_after_ms > 500


def test_what_hubspot_says_is_left_is_passed_on(client, connected):
    """HubSpot also counts calls that are not ours."""
    credential = connected("hubspot_oauth2")
    told = {"X-HubSpot-RateLimit-Remaining": "0"}
    mock = httpx2.MockTransport(lambda request: httpx2.Response(200, headers=told))
    mine = client.credential(credential.pk)
    with httpx2.Client(transport=mine.transport(mock)) as http:
        http.get(f"{mine.base_url}/crm/v3/objects/contacts")

    with pytest.raises(PermitRefused) as refused:
        limiter.acquire(credential)
    assert 0 < refused.value.retry_after_ms <= 1000


def dialect(slug):
    return Dialect(vars(kinds.get(slug).rate_limit_signals))


@pytest.mark.parametrize(
    ("slug", "headers", "remaining", "reset_ms"),
    [
        ("github_app", {"x-ratelimit-remaining": "41", "x-ratelimit-reset": "1700000060"}, 41, 6e4),
        (
            "linear_oauth2",
            {
                "x-ratelimit-requests-remaining": "7",
                "x-ratelimit-requests-reset": "1700000060000",
            },
            7,
            6e4,
        ),
        ("shopify_oauth2", {"X-Shopify-Shop-Api-Call-Limit": "32/40"}, 8, 1000),
        ("salesforce_oauth2", {"Sforce-Limit-Info": "api-usage=18/5000"}, 4982, 1000),
        (
            "salesforce_oauth2",
            {"Sforce-Limit-Info": "api-usage=18/5000; per-app-api-usage=17/250(appName=x=1/2)"},
            233,
            1000,
        ),
        (
            "salesforce_oauth2",
            {"Sforce-Limit-Info": "api-usage=4990/5000; per-app-api-usage=17/250(appName=x)"},
            10,
            1000,
        ),
        ("salesforce_oauth2", {"Sforce-Limit-Info": "nonsense"}, None, None),
        ("github_app", {"x-ratelimit-remaining": "-1"}, None, None),
        ("stripe_key", {}, None, None),
    ],
)
def test_what_is_left_is_read_by_the_providers_own_clock(slug, headers, remaining, reset_ms):
    date = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}  # 1700000000

    said = dialect(slug).ending(httpx2.Response(200, headers={**date, **headers}))

    assert (said.get("remaining"), said.get("reset_ms")) == (remaining, reset_ms)


def test_an_answer_that_is_not_json_is_not_read_for_signs():
    """It may be a download of gigabytes, which must not be loaded."""
    csv = httpx2.Response(200, headers={"Content-Type": "text/csv"})

    assert not dialect("marketo_client_credentials").needs_body(csv)
