"""Linear's GraphQL, over plain HTTP: what documents select is what they get."""

import pytest

API = "https://api.linear.app/graphql"
FIRST = "query($first: Int, $after: String) { issues(first: $first, after: $after) "
PAGE = (
    "{ nodes { id identifier } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
)


@pytest.fixture
def ask(simulator, customer):
    token = customer("linear").connect()["access_token"]

    def call(query, **variables):
        bearer = {"Authorization": f"Bearer {token}"}
        body = {"query": query, "variables": variables}
        return simulator.http.post(simulator.url_for(API), headers=bearer, json=body)

    call.post = lambda **body: simulator.http.post(
        simulator.url_for(API), headers={"Authorization": f"Bearer {token}"}, **body
    )
    return call


def issues(answer):
    return answer.json()["data"]["issues"]


def test_an_answer_has_what_was_selected_and_nothing_else(ask):
    answer = ask("{ me: viewer { called: name } organization { urlKey } }")

    assert answer.json() == {
        "data": {"me": {"called": "Paul Atreides"}, "organization": {"urlKey": "arrakis"}}
    }


def test_pages_go_forward_to_the_last_and_back_again(ask, simulator):
    simulator.set_count("linear", "abc123", 5, "issues")

    first = issues(ask(FIRST + PAGE, first=3))
    second = issues(ask(FIRST + PAGE, first=3, after=first["pageInfo"]["endCursor"]))
    back = "query($before: String) { issues(last: 2, before: $before) " + PAGE
    before = issues(ask(back, before=second["pageInfo"]["startCursor"]))

    assert [one["identifier"] for one in first["nodes"]] == ["ARR-5", "ARR-4", "ARR-3"]
    assert [one["identifier"] for one in second["nodes"]] == ["ARR-2", "ARR-1"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert second["pageInfo"]["hasPreviousPage"] is True
    assert before["nodes"] == first["nodes"][1:]
    assert before["pageInfo"]["hasPreviousPage"] is True


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("number: {gt: 2, lte: 4}", {"ARR-3", "ARR-4"}),
        ("or: [{number: {eq: 1}}, {number: {in: [2, 9]}}]", {"ARR-1", "ARR-2"}),
        ('team: {key: {eq: "ARR"}}, number: {lt: 2}', {"ARR-1"}),
        ('team: {key: {neq: "ARR"}}', set()),
        ('title: {containsIgnoreCase: "THE "}, number: {nin: [1, 2, 3]}', {"ARR-4", "ARR-5"}),
        ('createdAt: {gt: "-P1D"}, updatedAt: {lt: "P1D"}', set()),
        ("archivedAt: {null: false}", set()),
    ],
)
def test_a_filter_selects_by_what_rows_hold(ask, simulator, condition, expected):
    simulator.set_count("linear", "abc123", 5, "issues")

    found = issues(ask("{ issues(filter: {" + condition + "}) { nodes { identifier } } }"))

    assert {one["identifier"] for one in found["nodes"]} == expected


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{ nonsense }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer { id ", 400, "GRAPHQL_PARSE_FAILED"),
        ("query($first: Int!) { issues(first: $first) { nodes { id } } }", 400, "BAD_USER_INPUT"),
        ("{ issues(first: 251) { nodes { id } } }", 200, "INPUT_ERROR"),
        ('{ issues(after: "x") { nodes { id } } }', 200, "INPUT_ERROR"),
        ('{ issue(id: "ARR-999999") { id } }', 200, "INPUT_ERROR"),
        ('mutation { issueDelete(id: "ARR-1") { success } }', 200, None),
    ],
)
def test_what_a_document_cannot_be_is_an_error(ask, query, status, code):
    answer = ask(query)
    told = answer.json().get("errors", [{"extensions": {"code": None}}])

    assert (answer.status_code, told[0]["extensions"]["code"]) == (status, code)


@pytest.mark.parametrize("body", [b"query=%7B%7D", b"[]", b'{"query": 1}', b"", b"\xff"])
def test_a_body_that_is_no_request_is_a_400(ask, body):
    assert ask.post(content=body).status_code == 400


def test_a_query_costs_points_and_too_many_are_refused(ask, simulator):
    nested = "{ issues(first: 250) { nodes { %s } } }"
    cheap = ask("{ issues(first: 10) { nodes { id team { id } } } }")
    most = ask(nested % " ".join(f"a{n}: assignee {{ id }}" for n in range(40)))

    # One object, and ten times an object of a property and another object of a property.
    assert cheap.headers["X-Complexity"] == "23"
    assert cheap.headers["X-RateLimit-Complexity-Remaining"] == "1999977"
    assert (most.status_code, "too complex" in most.text) == (400, True)

    simulator.stop_clock()
    simulator.set_count("linear", "abc123", 0, "issues")
    dear = nested % " ".join(f"a{n}: assignee {{ id }}" for n in range(30))
    points = int(ask(dear).headers["X-Complexity"])
    statuses = [ask(dear).status_code for _ in range(1_999_977 // points)]
    assert statuses == [200] * (len(statuses) - 1) + [400]
    simulator.clock(60)
    assert ask(dear).status_code == 200


def test_who_may_not_write_does_not(simulator, customer):
    token = customer("linear").connect(scope="read")["access_token"]
    body = {"query": 'mutation { issueDelete(id: "ARR-1") { success } }'}
    bearer = {"Authorization": f"Bearer {token}"}
    answer = simulator.http.post(simulator.url_for(API), headers=bearer, json=body)

    assert answer.json()["errors"][0]["extensions"]["type"] == "forbidden"


def test_a_teams_issues_have_labels(ask, simulator):
    simulator.set_count("linear", "abc123", 40, "issues")
    query = (
        '{ team(id: "ARR") { issues(first: 40) { nodes { labelIds labels(first: 3) { nodes { '
        "id name } } } } } issueLabels { nodes { id name } } }"
    )

    data = ask(query).json()["data"]

    found = data["team"]["issues"]["nodes"]
    assert len(found) == 40
    assert any(issue["labelIds"] for issue in found)
    for issue in found:
        assert [one["id"] for one in issue["labels"]["nodes"]] == issue["labelIds"]
    assert {one["name"] for one in data["issueLabels"]["nodes"]} == {
        *("Bug", "Feature", "Improvement")
    }


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({"labels": {"name": {"eq": "Bug"}}}, lambda names: "Bug" in names),
        ({"labels": {"some": {"name": {"in": ["Feature"]}}}}, lambda names: "Feature" in names),
        ({"labels": {"every": {"name": {"eq": "Bug"}}}}, lambda names: set(names) <= {"Bug"}),
        ({"labels": {"length": {"gte": 2}}}, lambda names: len(names) >= 2),
    ],
)
def test_issues_are_selected_by_their_labels(ask, simulator, condition, fits):
    simulator.set_count("linear", "abc123", 60, "issues")
    query = (
        "query($filter: IssueFilter) { issues(first: 60, filter: $filter) { nodes { id "
        "labels { nodes { name } } } } }"
    )

    def labels(condition):
        found = ask(query, filter=condition).json()["data"]["issues"]["nodes"]
        return {one["id"]: [label["name"] for label in one["labels"]["nodes"]] for one in found}

    wanted = {issue_id: names for issue_id, names in labels({}).items() if fits(names)}
    assert 0 < len(wanted) < 60
    assert labels(condition) == wanted


def test_an_issue_is_given_labels_that_are_there(ask):
    labels = ask("{ issueLabels { nodes { id name } } }").json()["data"]["issueLabels"]["nodes"]
    team = ask("{ teams { nodes { id } } }").json()["data"]["teams"]["nodes"][0]["id"]
    write = (
        "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { issue { id "
        "labels { nodes { name } } team { issues(first: 1) { nodes { id } } } } } }"
    )
    asked = {"teamId": team, "title": "Written", "labelIds": [labels[0]["id"]]}

    made = ask(write, input=asked).json()["data"]["issueCreate"]["issue"]
    wrong = ask(write, input={**asked, "labelIds": ["none"]}).json()

    assert made["labels"]["nodes"] == [{"name": labels[0]["name"]}]
    assert made["team"]["issues"]["nodes"] == [{"id": made["id"]}]
    assert "IssueLabel" in wrong["errors"][0]["message"]
