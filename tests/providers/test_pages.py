"""Every page of a list is read, and every list has an end."""

import json

import httpx2
import pytest

from sequin_admin.core import http
from sequin_admin.credentials import pages
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.pages import PagedReader
from tests.factories import make_credential
from tests.providers.answers import answer


def numbered(number):
    return answer(200, {"number": number})


def next_of(last):
    def following(page):
        number = page.data()["number"]
        return str(number + 1) if number < last else ""

    return following


def test_all_pages_are_read_in_order():
    found = PagedReader("Arrakis").pages(lambda m: numbered(int(m or 0)), next_of(last=4))

    assert [page.data()["number"] for page in found] == [0, 1, 2, 3, 4]


def test_a_page_that_leads_back_is_the_last():
    reader = PagedReader("Arrakis").pages(lambda m: numbered(int(m or 0)), lambda page: "1")

    with pytest.raises(Refused) as refused:
        list(reader)
    assert refused.value.outcome.code == "unexpected_answer"


@pytest.mark.parametrize("limit", ["MOST_PAGES", "LONGEST_READING_S"])
def test_pages_without_an_end_are_not_read_for_ever(monkeypatch, limit):
    monkeypatch.setattr(pages, limit, 20 if limit == "MOST_PAGES" else -1)
    read = []

    def keep(marker):
        read.append(marker)
        return numbered(int(marker or 0))

    with pytest.raises(Refused) as refused:
        list(PagedReader("Arrakis").pages(keep, next_of(last=10**6)))
    assert refused.value.outcome.code == "too_many_pages"
    assert len(read) <= 20


@pytest.mark.parametrize(
    ("offset", "code"),
    [(lambda n: "always", "unexpected_answer"), (lambda n: f"itr{n}", "too_many_pages")],
    ids=["round and round", "on and on"],
)
@pytest.mark.django_db
def test_airtables_bases_have_an_end(organization, monkeypatch, offset, code):
    calls = []

    def bases(request):
        calls.append(request)
        body = {"bases": [{"id": "app1", "name": "One"}], "offset": offset(len(calls))}
        return httpx2.Response(200, stream=httpx2.ByteStream(json.dumps(body).encode()))

    monkeypatch.setattr(pages, "MOST_PAGES", 30)
    with httpx2.Client(transport=httpx2.MockTransport(bases), trust_env=False) as client:
        monkeypatch.setattr(http, "_client", lambda *policy: client)
        with pytest.raises(Refused) as refused:
            make_credential(organization, "airtable_oauth2").collections("token")

    assert refused.value.outcome.code == code
    assert len(calls) <= 30


def test_an_installation_on_the_third_page_is_found(make_app, go, simulated):
    """GitHub gives 30 installations at a time, and 100 at most."""
    simulated.act("github", "paul-atreides", "many_installations")

    session = go("github_app", "paul-atreides", oauth_app=make_app("github"))

    assert session.credential, session.failure
    assert session.credential.properties["installation_id"] == 47232440


def test_the_simulator_gives_no_more_than_github_on_a_page(make_app, go, simulated):
    simulated.act("github", "paul-atreides", "many_installations")
    go("github_app", "paul-atreides", oauth_app=make_app("github"))

    listed = [c for c in simulated.calls("github") if c["endpoint"].endswith("/user/installations")]
    assert len(listed) == 3
