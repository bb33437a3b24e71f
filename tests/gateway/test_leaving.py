"""A browser leaves by a page, a program by a redirect."""

import pytest
from django.http import HttpResponse, HttpResponseRedirect

from sequin_admin.gateway.leaving import leaving_middleware

BROWSER = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}


def answer(rf, address, **headers):
    def view(request):
        response = HttpResponseRedirect(address)
        response.set_cookie("kept", "yes")
        response["X-Robots-Tag"] = "noindex"
        return response

    return leaving_middleware(view)(rf.post("/", **headers))


def test_a_browser_gets_a_page_that_leads_on(rf):
    page = answer(rf, 'https://shop.example/?a=1&b="><b>', **BROWSER)

    assert page.status_code == 200
    assert "Location" not in page
    assert 'content="0; url=https://shop.example/?a=1&amp;b=%22%3E%3Cb%3E"' in page.content.decode()
    assert "Continue to shop.example" in page.content.decode()
    assert page.cookies["kept"].value == "yes"
    assert (page["X-Robots-Tag"], page["Cache-Control"]) == ("noindex", "no-store")
    assert page["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("https://shop.example/", {}),
        ("https://shop.example/", {"HTTP_ACCEPT": "application/json"}),
        ("https://shop.example/", {**BROWSER, "HTTP_HX_REQUEST": "true"}),
        ("/credentials/", BROWSER),
        ("http://testserver/credentials/", BROWSER),
    ],
)
def test_all_others_get_the_redirect(rf, address, headers):
    response = answer(rf, address, **headers)

    assert (response.status_code, response["Location"]) == (302, address)


def test_other_responses_stay(rf):
    assert leaving_middleware(lambda request: HttpResponse("x"))(rf.get("/")).content == b"x"


def test_no_form_may_be_sent_to_another_site(client, db):
    assert "form-action 'self'" in client.get("/accounts/login/")["Content-Security-Policy"]
