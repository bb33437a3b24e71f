"""/v1/organization and /v1/members"""

from sequin_admin.access.models import Membership, Organization, Scope
from sequin_admin.access.policy import Role

URL, MEMBERS = "/v1/organization", "/v1/members"


def test_a_key_knows_whose_it_is(api, organization):
    shown = api.get(URL).json()

    assert (shown["id"], shown["name"]) == (str(organization.pk), "Arrakis")
    assert shown["logo_changed_at"] is None


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


def test_no_key_changes_what_is_the_owners_to_change(make_client, organization):
    mightiest = make_client(organization, *Scope)

    assert mightiest.patch(URL, {"name": "Dune"}).status_code == 405
    assert Organization.objects.get().name == "Arrakis"


def test_reading_takes_the_scope_read(make_client, organization):
    writes = make_client(organization, Scope.WRITE)

    assert writes.get(URL).status_code == 403
    assert writes.get(MEMBERS).status_code == 403
