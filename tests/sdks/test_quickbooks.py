"""Intuit's own SDK for sign-in (intuit-oauth), and python-quickbooks, against QuickBooks."""

import pytest
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.exceptions import AuthorizationException, QuickbooksException, ValidationException
from quickbooks.objects import CompanyInfo, Customer

COMPANY, SANDBOX = "4620816365001234567", "9130357849987654321"
pytestmark = pytest.mark.faults


@pytest.fixture
def connect(simulator, consent):
    """The client of a new connection to the company `realm`."""

    def connect(realm=COMPANY, environment="production"):
        app = simulator.app("quickbooks")
        uri = app["redirect_uris"][0]
        client = AuthClient(app["client_id"], app["client_secret"], uri, environment)
        back = consent(client.get_authorization_url([Scopes.ACCOUNTING]), realm)
        client.get_bearer_token(back["code"], realm_id=back["realmId"])
        return client

    return connect


@pytest.fixture
def client(connect):
    return connect()


def open_books(client):
    return QuickBooks(
        auth_client=client,
        refresh_token=client.refresh_token,
        company_id=client.realm_id,
        minorversion=75,
    )


def test_a_code_becomes_tokens_that_can_be_refreshed(client):
    first = client.access_token
    client.refresh()

    assert client.access_token != first
    assert (client.realm_id, client.expires_in) == (COMPANY, 3600)
    assert client.x_refresh_token_expires_in == 8_640_000


@pytest.mark.parametrize(
    ("realm", "environment", "name"),
    [(COMPANY, "production", "Arrakis"), (SANDBOX, "sandbox", "Giedi Prime [sandbox]")],
)
def test_a_company_is_read_where_it_lives(connect, realm, environment, name):
    books = open_books(connect(realm, environment))

    assert CompanyInfo.get(1, qb=books).CompanyName == name


def test_pages_follow_one_another(simulator, client):
    simulator.set_count("quickbooks", COMPANY, 5)
    books = open_books(client)

    pages = [Customer.all(qb=books, start_position=n, max_results=2) for n in ("1", 3, 5, 7)]

    ids = [[one.Id for one in page] for page in pages]
    assert ids == [["1", "2"], ["3", "4"], ["5"], []]


def test_what_is_written_is_read_back_and_stands_in_the_oracle(client, oracle):
    books, made = open_books(client), Customer()
    made.DisplayName = "Written"
    made.save(qb=books)

    read = Customer.get(made.Id, qb=books)
    read.DisplayName = "Changed"
    read.save(qb=books)

    assert Customer.get(made.Id, qb=books).DisplayName == "Changed"
    assert oracle("quickbooks", COMPANY, "Customer")[made.Id]["DisplayName"] == "Changed"


def test_a_statement_that_cannot_be_parsed_is_told_so(client):
    with pytest.raises(ValidationException) as refusal:
        open_books(client).query("select nonsense")

    assert refusal.value.error_code == 4000


def test_a_revoked_connection_is_refused_everywhere(client):
    books = open_books(client)
    assert client.revoke()

    with pytest.raises(AuthorizationException) as refusal:
        Customer.all(qb=books)
    assert "3200" in refusal.value.detail
    with pytest.raises(AuthClientError) as refusal:
        client.refresh()
    assert refusal.value.status_code == 400
    assert b"invalid_grant" in refusal.value.content
    assert refusal.value.intuit_tid


def test_a_company_of_the_other_world_is_refused(connect):
    books = open_books(connect(SANDBOX, "production"))

    with pytest.raises(QuickbooksException) as refusal:
        CompanyInfo.get(1, qb=books)
    assert refusal.value.error_code == 3100


def test_too_many_calls_are_told_by_their_code(simulator, client):
    books = open_books(client)
    simulator.act("quickbooks", COMPANY, "throttle")

    with pytest.raises(QuickbooksException, match="ThrottleExceeded") as refusal:
        Customer.all(qb=books)
    assert refusal.value.error_code == 3001
