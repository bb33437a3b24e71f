"""CheckoutChamp's own rules, over plain HTTP."""

import re

import pytest


@pytest.fixture
def ask(simulator):
    def ask(path="/campaign/query/", *, method="POST", host="checkoutchamp", **fields):
        login = {"loginId": "user123", "password": "password123", **fields}
        url = simulator.url_for(f"https://api.{host}.com{path}")
        given = {"data" if method == "POST" else "params": login}
        answer = simulator.http.request(method, url, **given)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
        return answer.json()["result"], answer.json()["message"]

    return ask


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("host", ["checkoutchamp", "konnektive"])
def test_a_good_login_gets_a_page(ask, method, host):
    result, page = ask(method=method, host=host, resultsPerPage="1")

    assert (result, page["totalResults"], len(page["data"])) == ("SUCCESS", 3, 1)


def test_pages_have_at_most_two_hundred_rows(ask):
    first = ask("/order/query/", resultsPerPage="500")[1]
    second = ask("/order/query/", resultsPerPage="500", page="2")[1]

    assert [len(page["data"]) for page in (first, second)] == [200, 50]
    assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d\d", first["data"][0]["dateCreated"])


@pytest.mark.parametrize("fields", [{"page": "0"}, {"page": "²"}, {"resultsPerPage": "-1"}])
def test_a_page_that_is_no_number_is_an_error(ask, fields):
    assert ask(**fields)[0] == "ERROR"


def test_what_is_empty_is_an_error_too(ask):
    result, message = ask("/customer/query/")

    assert (result, message) == ("ERROR", "No customer matching those parameters could be found")


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"loginId": "nobody"}])
def test_a_bad_login_is_an_error(ask, wrong):
    assert ask(**wrong) == ("ERROR", "Invalid login ID or password")


def test_ten_bad_logins_lock_the_user_until_it_is_back_to_normal(ask, simulator):
    for _ in range(10):
        ask(password="wrong")

    assert "locked" in ask()[1]
    simulator.act("checkout_champ", "user123", "clear")
    assert ask()[0] == "SUCCESS"


def test_a_good_login_forgives_bad_ones(ask):
    for _ in range(2):
        for _ in range(9):
            ask(password="wrong")
        result, _ = ask()

    assert result == "SUCCESS"


def test_a_changed_password_is_asked_for(ask, simulator):
    simulator.act("checkout_champ", "user123", "change_password", password="spice")

    assert ask()[0] == "ERROR"
    assert ask(password="spice")[0] == "SUCCESS"


@pytest.mark.parametrize(
    ("action", "word"), [("disable_user", "locked"), ("restrict_address", "whitelist")]
)
def test_who_is_kept_out_is_told_why(ask, simulator, action, word):
    simulator.act("checkout_champ", "user123", action)

    assert word in ask()[1]
