"""Where one is signed in: the list, and ends that hold at the very next request."""

from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from sequin_admin.audit.models import Event

PAGE = reverse("usersessions_list")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LOGIN = {"login": "paul@arrakis.test", "password": "spice must flow"}


def log_in(address, client=None):
    client = client or Client(REMOTE_ADDR=address, HTTP_USER_AGENT=FIREFOX)
    client.post(reverse("account_login"), LOGIN)
    return client


def is_signed_in(client):
    return client.get("/").status_code == 200


def test_the_list_says_where_since_when_and_with_what(user):
    here, _ = log_in("192.0.2.1"), log_in("198.51.100.2")

    page = here.get(PAGE).content.decode()

    assert "192.0.2.1" in page
    assert "198.51.100.2" in page
    assert page.count("Firefox on Linux") == 2
    assert page.count("(this one)") == 1


def test_one_session_is_ended_and_its_cookie_opens_nothing(user):
    here, there, other = (log_in(f"192.0.2.{number}") for number in (1, 2, 3))
    ended = UserSession.objects.get(ip="192.0.2.2")

    here.post(reverse("session_end", args=[ended.pk]))

    assert [is_signed_in(each) for each in (here, there, other)] == [True, False, True]
    event = Event.objects.get(action="user.session_ended")
    assert event.details["ended_address"] == "192.0.2.2"
    assert event.address == "192.0.2.1"


def test_all_others_are_ended(user):
    here, there, other = (log_in(f"192.0.2.{number}") for number in (1, 2, 3))

    here.post(PAGE)

    assert [is_signed_in(each) for each in (here, there, other)] == [True, False, False]
    assert Event.objects.filter(action="user.session_ended").count() == 2


def test_nobody_ends_the_session_of_another_or_the_current_one(user, viewer, client):
    here = log_in("192.0.2.1")
    (own,) = UserSession.objects.all()
    client.force_login(viewer)

    for who in (client, here):
        assert who.post(reverse("session_end", args=[own.pk])).status_code == 404

    assert is_signed_in(here)


def test_a_session_from_before_the_sign_in_is_another_one_after_it(user):
    """Whoever planted a cookie has nothing of it."""
    planted = Client()
    planted.get(reverse("account_reset_password"))
    session = planted.session
    session["going_to"] = "/"
    session.save()
    before = planted.session.session_key
    planted.cookies["sessionid"] = before

    log_in("", planted)

    assert is_signed_in(planted)
    assert planted.session.session_key != before
    planted.cookies["sessionid"] = before
    assert not is_signed_in(planted)
