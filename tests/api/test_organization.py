"""/v1/organization and /v1/members"""

from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image

from sequin_admin.access.models import Logo, Membership, Organization, Scope
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event

URL, LOGO, MEMBERS = "/v1/organization", "/v1/organization/logo", "/v1/members"


def picture():
    file = BytesIO()
    Image.new("RGB", (400, 300), "orange").save(file, "PNG")
    return b64encode(file.getvalue()).decode()


def test_a_key_knows_whose_it_is(api, organization):
    shown = api.get(URL).json()

    assert (shown["id"], shown["name"]) == (str(organization.pk), "Arrakis")
    assert shown["logo_changed_at"] is None


def test_the_name_is_changed(api, organization):
    answer = api.patch(URL, {"name": "Dune"})

    assert answer.json()["name"] == "Dune"
    assert answer["ETag"] == api.get(URL)["ETag"]
    assert Organization.objects.get().name == "Dune"
    assert Event.objects.get(action="organization.renamed").actor_type == "apikey"
    assert api.patch(URL, {"name": " "}).status_code == 422


def test_a_change_nobody_saw_is_not_overwritten(api):
    seen = api.get(URL)["ETag"]
    api.patch(URL, {"name": "Meanwhile"})

    late = api.call("PATCH", URL, {"name": "Late"}, headers={"If-Match": seen})

    assert late.status_code == 412


def test_a_logo_is_set_and_removed(api, client, organization):
    shown = api.put(LOGO, {"image": picture()})

    assert shown.status_code == 200, shown.content
    assert shown.json()["logo_changed_at"]
    assert client.get(f"/link/logo/{organization.pk}.png")["Content-Type"] == "image/png"
    assert api.delete(LOGO).status_code == 204
    assert api.delete(LOGO).status_code == 204
    assert api.get(URL).json()["logo_changed_at"] is None


@pytest.mark.parametrize("image", ["", "!", "c3BpY2U=", "é"])
def test_what_is_no_picture_is_refused(api, image):
    answer = api.put(LOGO, {"image": image})

    assert list(answer.json()["validation_errors"]) == ["image"]
    assert not Logo.objects.exists()


def test_members_are_listed_with_their_roles(api, user, viewer, stranger):
    shown = api.get(MEMBERS).json()["data"]

    assert [(row["email"], row["role"]) for row in shown] == [
        (viewer.email, "viewer"),
        (user.email, "owner"),
    ]
    assert not any(row["invited"] for row in shown)
    (owner,) = api.get(MEMBERS, role="owner").json()["data"]
    assert api.get(f"{MEMBERS}/{owner['id']}").json() == owner
    assert "password" not in str(shown)


def test_pages_hold_every_member_once(api, user, viewer):
    first = api.get(MEMBERS, limit=1).json()
    second = api.get(MEMBERS, limit=1, cursor=first["next_cursor"]).json()

    assert [row["email"] for row in first["data"] + second["data"]] == [viewer.email, user.email]
    assert second["next_cursor"] is None


def test_no_key_makes_an_owner(make_client, organization, viewer):
    mightiest = make_client(organization, *Scope)
    one = f"{MEMBERS}/{Membership.objects.get().pk}"

    answers = [mightiest.post(MEMBERS, {"email": "feyd@giedi-prime.test", "role": "owner"})]
    answers += [mightiest.patch(one, {"role": "owner"}), mightiest.delete(one)]

    assert {answer.status_code for answer in answers} == {405}
    assert Membership.objects.get().role == Role.VIEWER


def test_members_of_others_do_not_exist(api, stranger):
    theirs = Membership.objects.get(user=stranger)

    assert api.get(f"{MEMBERS}/{theirs.pk}").status_code == 404
    assert api.get(MEMBERS).json()["data"] == []


def test_reading_takes_read_and_changing_takes_write(make_client, organization):
    reads, writes = (make_client(organization, scope) for scope in (Scope.READ, Scope.WRITE))

    assert reads.patch(URL, {"name": "Dune"}).status_code == 403
    assert reads.put(LOGO, {"image": picture()}).status_code == 403
    assert reads.delete(LOGO).status_code == 403
    assert writes.get(URL).status_code == 403
    assert writes.get(MEMBERS).status_code == 403
