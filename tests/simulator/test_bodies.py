"""Bodies in chunks and compressed ones are read, and answers are compressed for who asks."""

import gzip
import zlib

import pytest

TOKEN = "https://api.linear.app/oauth/token"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("", lambda body: iter([body]))],
)
def test_a_body_is_read_as_it_is_sent(simulator, encoding, encode):
    app = simulator.app("linear")
    pair = f"client_id={app['client_id']}&client_secret={app['client_secret']}"
    form = f"grant_type=refresh_token&refresh_token=none&{pair}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": encoding}

    answer = simulator.http.post(simulator.url_for(TOKEN), content=encode(form), headers=headers)

    assert answer.json()["error"] == "invalid_grant"


def test_an_answer_is_compressed_for_who_asks(simulator):
    url = simulator.url_for("https://api.stripe.com/v1/customers")
    key = simulator.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    headers = {"Authorization": f"Bearer {key}"}

    asked = simulator.http.get(url, headers={**headers, "Accept-Encoding": "gzip"})
    plain = simulator.http.get(url, headers={**headers, "Accept-Encoding": "identity"})

    assert asked.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert [one["id"] for one in asked.json()["data"]] == [
        one["id"] for one in plain.json()["data"]
    ]
