"""A sync worker's calls: authorized, with renewed tokens, and only to the provider."""

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from sequin_admin.client import AsyncClient, Broken, Client, Pace, SequinError, TryLater, WrongHost
from sequin_admin.connect import credential_operations
from sequin_admin.simulator.tls.authority import Authority
from sequin_admin.tokens.models import Token

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def client(live_server, api_key):
    with Client(live_server.url, api_key) as client:
        yield client


@pytest.fixture
def hubspot(client, connected):
    return client.credential(connected("hubspot_oauth2").pk)


def token_calls(simulated):
    return len([call for call in simulated.calls("hubspot") if "token" in call["endpoint"]])


@pytest.fixture
def end_access_tokens(simulated):
    """The provider ends access tokens early; the grant stays valid."""
    return lambda: simulated.act("hubspot", "21902692", "expire")


def open_http(credential, **options):
    return httpx2.Client(
        base_url=credential.base_url, transport=credential.transport(), trust_env=False, **options
    )


def test_a_call_is_let_in(hubspot):
    with open_http(hubspot) as http:
        assert http.get(CONTACTS).status_code == 200


def test_the_token_is_asked_for_once(hubspot):
    first = hubspot.token()

    assert hubspot.token() is first


def test_a_refused_token_is_replaced_and_the_call_sent_again(hubspot, simulated, end_access_tokens):
    before = token_calls(simulated)
    with open_http(hubspot) as http:
        http.get(CONTACTS)
        end_access_tokens()

        assert http.get(CONTACTS).status_code == 200
        assert http.get(CONTACTS).status_code == 200

    assert token_calls(simulated) == before + 1


def test_a_body_is_sent_again_too(client, connected, simulated):
    linear = client.credential(connected("linear_oauth2").pk)
    with open_http(linear) as http:
        simulated.act("linear", "abc123", "expire")

        answer = http.post("/graphql", json={"query": "{ organization { id name } }"})

    assert answer.json()["data"]["organization"]["id"] == "abc123"


def test_when_the_access_is_gone_it_says_who_must_act(hubspot, simulated):
    with open_http(hubspot) as http:
        http.get(CONTACTS)
        simulated.act("hubspot", "21902692", "revoke")

        with pytest.raises(Broken, match="customer must connect"):
            http.get(CONTACTS)


def test_an_outage_is_to_be_tried_later(client, connected, simulated):
    hubspot = client.credential(connected("hubspot_oauth2").pk, Pace(patience_s=0))
    simulated.fault("hubspot", "outage")
    Token.objects.update(expires_at="2020-01-01T00:00Z")

    with pytest.raises(TryLater) as later:
        hubspot.token()
    assert later.value.retry_after_s >= 1


def test_a_server_that_is_away_is_to_be_tried_later(api_key):
    with (
        Client("http://127.0.0.1:9", api_key) as client,
        pytest.raises(TryLater, match="could not be asked"),
    ):
        client.credential("x").token()


def test_a_certificate_that_is_not_trusted_is_told(tmp_path, api_key):
    context = Authority(tmp_path).context("127.0.0.1")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor(1) as pool,
        Client(f"https://127.0.0.1:{listener.getsockname()[1]}", api_key) as client,
    ):
        shaken = pool.submit(lambda: context.wrap_socket(listener.accept()[0], server_side=True))

        with pytest.raises(TryLater, match=r"certificate is refused \(.*let SSL_CERT_FILE name"):
            client.credential("x").token()

        with pytest.raises(ssl.SSLError, match="unknown ca"):
            shaken.result(5)


def test_a_wrong_key_is_told(live_server, connected):
    with (
        Client(live_server.url, "sqn_wrong") as client,
        pytest.raises(SequinError, match="valid API key"),
    ):
        client.credential(connected("stripe_key").pk).token()


def test_a_disabled_credential_is_broken(client, connected, user):
    credential = connected("stripe_key")
    credential_operations.disable(credential, actor=user)

    with pytest.raises(Broken, match="disabled"):
        client.credential(credential.pk).token()


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "http://127.0.0.1:9/", "/evil.test/"])
def test_a_token_goes_to_its_provider_only(hubspot, elsewhere):
    url = httpx2.URL(hubspot.base_url).join(elsewhere)

    with (
        httpx2.Client(transport=hubspot.transport(), trust_env=False) as http,
        pytest.raises(WrongHost, match="Nothing was sent"),
    ):
        http.get(url)


def test_a_redirect_to_a_stranger_takes_nothing_along(hubspot):
    sent = []

    def answer(request):
        sent.append(request.url.host)
        return httpx2.Response(302, headers={"Location": "https://evil.test/"})

    transport = hubspot.transport(httpx2.MockTransport(answer))
    with (
        httpx2.Client(transport=transport, follow_redirects=True) as http,
        pytest.raises(WrongHost),
    ):
        http.get(f"{hubspot.base_url}{CONTACTS}")
    assert sent == [httpx2.URL(hubspot.base_url).host]


def test_calls_are_signed_where_the_provider_wants_that(client, connected):
    netsuite = client.credential(connected("netsuite_tba").pk)

    with open_http(netsuite) as http:
        answer = http.get(
            "/services/rest/record/v1/metadata-catalog", params={"select": "customer"}
        )

    assert answer.status_code == 200


def test_a_password_goes_into_the_form_where_the_provider_wants_that(client, connected):
    champ = client.credential(connected("checkout_champ_password").pk)

    with open_http(champ) as http:
        answer = http.post("/campaign/query/", data={"resultsPerPage": "1"})
        assert answer.json()["result"] == "SUCCESS"
        with pytest.raises(SequinError, match="send a POST"):
            http.get("/campaign/query/")


def test_what_only_the_caller_can_write_is_said(client, connected):
    workday = client.credential(connected("workday_password").pk)

    with open_http(workday) as http, pytest.raises(SequinError, match="belong into the body"):
        http.get("/")
    assert workday.token().login["password"]


def test_nothing_secret_shows_when_printed(hubspot):
    access = hubspot.token()

    assert access.headers["Authorization"] not in repr(access)


def test_fifty_threads_with_a_dead_token_cause_one_refresh(hubspot, simulated, end_access_tokens):
    before = token_calls(simulated)
    with open_http(hubspot) as http:
        http.get(CONTACTS)
        end_access_tokens()
        with ThreadPoolExecutor(50) as pool:
            codes = list(pool.map(lambda _: http.get(CONTACTS).status_code, range(50)))

    assert set(codes) == {200}
    assert token_calls(simulated) == before + 1


def test_the_same_for_asyncio(live_server, api_key, connected, simulated, end_access_tokens):
    pk = connected("hubspot_oauth2").pk
    before = token_calls(simulated)

    async def work():
        async with AsyncClient(live_server.url, api_key) as client:
            credential = client.credential(pk)
            base_url = (await credential.token()).base_url
            async with httpx2.AsyncClient(
                base_url=base_url, transport=credential.transport(), trust_env=False
            ) as http:
                end_access_tokens()
                answers = await asyncio.gather(*(http.get(CONTACTS) for _ in range(20)))
                return [answer.status_code for answer in answers]

    # In its own thread: after a browser test this one has an event loop already.
    with ThreadPoolExecutor(1) as pool:
        codes = pool.submit(asyncio.run, work()).result()

    assert set(codes) == {200}
    assert token_calls(simulated) == before + 1
