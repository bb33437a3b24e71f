"""`Retry-After`, wherever the client library reads it, and waiting for as long as it says."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from sequin_admin.client import AsyncClient, Client, Pace, TryLater
from sequin_admin.client.answers import error_in, read_result
from sequin_admin.client.dialect import Dialect
from sequin_admin.client.retry_after import retry_after_s
from sequin_admin.credentials import kinds

SENT = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}
LATER = "Tue, 14 Nov 2023 22:14:20 GMT"
AWAY = (503, {"summary": "Our database can't be reached just now."}, {"Retry-After": "0"})
TOKEN = {
    "base_url": "https://api.stripe.com",
    "headers": {"Authorization": "Bearer sk_test_1"},
    "fields": {},
    "login": {},
    "signing": {},
    "expires_at": None,
    "fingerprint": "f1",
    "dialect": vars(kinds.get("stripe_key").rate_limit_signals),
}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("1.5", 1.5),
        (LATER, 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60),
        ("soon", None),
        ("-7", None),
        ("\u0667", None),
        ("", None),
    ],
)
def test_a_delay_and_a_date_are_read(said, seconds):
    response = httpx2.Response(503, headers={**SENT, "Retry-After": said.encode()})

    assert retry_after_s(response) == seconds


def test_everything_that_reads_it_reads_dates():
    headers = {**SENT, "Retry-After": LATER}
    busy = httpx2.Response(503, headers=headers, json={"summary": "Later."})
    dialect = Dialect(vars(kinds.get("stripe_key").rate_limit_signals))

    assert error_in(busy).retry_after_s == 60
    with pytest.raises(TryLater) as later:
        read_result(busy)
    assert later.value.retry_after_s == 60
    throttled = httpx2.Response(429, headers=headers)
    assert dialect.ending(throttled)["retry_after_ms"] == 60_000


def test_a_token_is_waited_for_while_the_database_is_away(script):
    script.say(AWAY, AWAY, (200, TOKEN))

    with Client(script.url, "sqn_key") as client:
        assert client.credential("one").token().fingerprint == "f1"
    assert len(script.seen) == 3


def test_a_token_is_waited_for_in_asyncio_too(script):
    script.say(AWAY, (200, TOKEN), AWAY, (200, {**TOKEN, "fingerprint": "f2"}))

    async def read_twice():
        async with AsyncClient(script.url, "sqn_key") as client:
            credential = client.credential("one")
            return await credential.refused(await credential.token())

    # In a thread of its own: the browser tests leave an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, read_twice()).result().fingerprint == "f2"
    assert len(script.seen) == 4


def test_nobody_waits_longer_than_their_patience(script):
    script.say((503, {"summary": "Later."}, {"Retry-After": "30"}))

    with Client(script.url, "sqn_key") as client, pytest.raises(TryLater, match="Later"):
        client.credential("one", Pace(patience_s=10)).token()
    assert len(script.seen) == 1
