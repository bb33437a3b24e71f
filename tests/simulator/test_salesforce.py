"""Salesforce's queries and records, over plain HTTP."""

import pytest

ORGANIZATION = "00D5g000004ArrakEA"
DATA = "https://arrakis.my.salesforce.com/services/data/v62.0"


@pytest.fixture
def call(customer, simulator):
    """A call by its method and path; the clock is stopped."""
    token = customer("salesforce").connect()["access_token"]
    simulator.stop_clock()

    def call(method, path, **options):
        url = simulator.url_for(f"{DATA}{path}")
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return simulator.http.request(method, url, headers=headers, **options)

    return call


@pytest.fixture
def query(call):
    return lambda soql, verb="query", **headers: call(
        "GET", f"/{verb}", params={"q": soql}, headers=headers
    ).json()


def test_pages_are_of_one_moment_while_records_come_and_go(call, query, simulator):
    simulator.set_count("salesforce", ORGANIZATION, 500, "Contact")
    simulator.set_heart("salesforce", ORGANIZATION, 3_600)
    before = simulator.rows("salesforce", ORGANIZATION, "Contact")["rows"]

    pages = [query("SELECT Id FROM Contact", **{"Sforce-Query-Options": "batchSize=200"})]
    while not pages[-1]["done"]:
        simulator.clock(60)
        path = pages[-1]["nextRecordsUrl"].partition("v62.0")[2]
        pages.append(call("GET", path, headers={"Sforce-Query-Options": "batchSize=200"}).json())

    assert [len(page["records"]) for page in pages] == [200, 200, 100]
    found = [record["Id"] for page in pages for record in page["records"]]
    assert found == [one["id"] for one in before]
    assert {page["totalSize"] for page in pages} == {500}
    simulator.clock(3 * 86_400)
    assert call("GET", path).status_code == 401, "a token does not live as long"


def test_records_are_selected_sorted_and_counted(query):
    some = query(
        "SELECT Id, Name, Amount FROM Opportunity WHERE Amount >= 50000 "
        "ORDER BY Amount DESC LIMIT 5"
    )
    amounts = [one["Amount"] for one in some["records"]]
    names = ", ".join(f"'{one['Name']}'" for one in some["records"])
    named = query(
        f"select count() from opportunity where (Name in ({names}) or Name = 'x') and Id != null"
    )

    assert amounts == sorted(amounts, reverse=True)
    assert min(amounts) >= 50_000
    assert set(some["records"][0]) == {"attributes", "Id", "Name", "Amount"}
    assert (named["totalSize"], named["records"]) == (5, [])
    assert query("SELECT COUNT() FROM Lead")["totalSize"] == 2_400


def test_deleted_records_are_told_of_in_three_ways(call, query, simulator):
    first = query("SELECT Id FROM Contact LIMIT 1")["records"][0]["Id"]
    start = simulator.state()["now"]
    simulator.clock(120)

    assert call("DELETE", f"/sobjects/Contact/{first}").status_code == 204

    end = simulator.state()["now"]
    window = {"start": start, "end": end.replace("+00:00", "Z")}
    simulator.clock(60)
    window["end"] = simulator.state()["now"]
    gone = call("GET", "/sobjects/Contact/deleted/", params=window).json()["deletedRecords"]
    assert [one["id"] for one in gone] == [first]
    where = "SELECT Id FROM Contact WHERE IsDeleted = true"
    assert query(where)["totalSize"] == 0
    assert [one["Id"] for one in query(where, "queryAll")["records"]] == [first]
    again = call("DELETE", f"/sobjects/Contact/{first}")
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert call("GET", "/sobjects/Contact/updated/", params=window).json()["ids"] == []


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Id LIKE 'x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE (Id = 'x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT many", "MALFORMED_QUERY"),
        ('SELECT Id FROM Contact WHERE Id = "x"', "MALFORMED_QUERY"),
        ("SELECT Colour FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Car", "INVALID_TYPE"),
    ],
)
def test_a_query_that_cannot_be_is_refused(query, soql, code):
    assert query(soql)[0]["errorCode"] == code


def test_what_is_not_a_page_or_a_window_is_refused(call):
    for path, code in (
        ("/query/x-1", "INVALID_QUERY_LOCATOR"),
        ("/sobjects/Contact/deleted/?start=x", "INVALID_FIELD"),
        (
            "/sobjects/Contact/deleted/?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z",
            "INVALID_REPLICATION_DATE",
        ),
    ):
        answer = call("GET", path)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_record_is_found_by_both_lengths_of_its_id(call, query):
    found = query("SELECT FIELDS(ALL) FROM Lead LIMIT 1")["records"][0]

    for text in (found["Id"], found["Id"][:15]):
        assert call("GET", f"/sobjects/Lead/{text}").json()["Email"] == found["Email"]
    assert call("PATCH", f"/sobjects/Lead/{found['Id']}", json={"Id": "x"}).status_code == 400


@pytest.mark.parametrize(
    "host",
    [
        "arrakis.my.salesforce.com",
        "arrakis--uat.sandbox.my.salesforce.com",
        "arrakis.develop.my.salesforce.com",
        "arrakis.scratch.my.salesforce.com",
        "arrakis.trailblaze.my.salesforce.com",
        "arrakis.demo.my.salesforce.com",
        "arrakis.my.salesforce.mil",
        "test.salesforce.com",
    ],
)
def test_each_login_host_has_a_consent_page(customer, simulator, host):
    him = customer("salesforce")
    him.authorize_url = f"https://{host}/services/oauth2/authorize"

    assert him.code()
