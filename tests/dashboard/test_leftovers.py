"""What people leave behind: keys, links and channels are listed and revoked in one step."""

import pytest
from django.urls import reverse

from sequin_admin.access import keys, members
from sequin_admin.access.models import ApiKey, Membership
from sequin_admin.access.policy import Role
from sequin_admin.connect import leftovers, links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import MOVED, CredentialForm
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import Channel, ChannelKind
from tests.conftest import make_member
from tests.edit_forms import submit
from tests.factories import make_credential, make_synced, sample_values

URL = "/members/leftovers/"


@pytest.fixture
def member(organization):
    return make_member(organization, "duncan@arrakis.test", Role.ADMIN)


@pytest.fixture
def made(organization, user, member):
    """A key, a link and a channel of the member, the same made with that key, and the owner's."""
    key, _ = keys.create(organization, name="theirs", scopes=["keys", "read"], actor=member)
    keys.create(organization, name="second", scopes=["read"], actor=key)
    keys.create(organization, name="owners", scopes=["read"], actor=user)
    for maker, name in ((member, "Spice"), (key, "Worms")):
        links.create(organization, [kinds.get("stripe_key")], actor=maker, name=name)
    for maker, name in ((member, "Sietch"), (key, "Thumper"), (user, "Palace")):
        channels.create(
            organization, ChannelKind.MAIL, actor=maker, name=name, address="d@caladan.test"
        )


CONFIGURED, LINKED = ("theirs", "second", "Sietch", "Thumper"), ("Spice", "Worms")


def shown_in(page):
    return [name for name in (*CONFIGURED, *LINKED) if name in page]


def test_a_member_leaves_nothing_while_they_are_there(organization, made):
    assert leftovers.list_leftovers(organization) == []


def test_removing_leads_to_what_is_left_and_one_step_revokes_it(
    client, user, member, organization, made
):
    client.force_login(user)
    row = Membership.objects.get(user=member)

    sent = client.post(reverse("dashboard:member_remove", args=[row.pk]))
    page = client.get(sent["Location"]).content.decode()

    assert sent["Location"] == URL
    assert shown_in(page) == [*CONFIGURED, *LINKED]
    assert not {"owners", "Palace"} & set(page.split())
    client.post(URL, {"person": member.pk})
    assert [key.name for key in ApiKey.objects.filter(revoked_at=None)] == ["owners"]
    assert not ConnectLink.objects.filter(revoked_at=None).exists()
    assert Channel.objects.get(enabled=True).name == "Palace"
    assert "Nothing is left" in client.get(URL).content.decode()


@pytest.mark.parametrize(
    ("role", "left"),
    [(Role.VIEWER, (*CONFIGURED, *LINKED)), (Role.MEMBER, CONFIGURED)],
)
def test_a_lesser_role_leads_to_what_it_could_not_have_made(
    client, user, member, organization, made, role, left
):
    client.force_login(user)
    row = Membership.objects.get(user=member)

    path = reverse("dashboard:member_role", args=[row.pk])
    sent = submit(client, path, {"role": role}, page=reverse("dashboard:members"))
    page = client.get(sent["Location"]).content.decode()

    assert sent["Location"] == URL
    assert shown_in(page) == [*left]
    client.post(URL, {"person": member.pk})
    assert [key.name for key in ApiKey.objects.filter(revoked_at=None)] == ["owners"]


def test_a_key_is_of_whoever_knows_its_token(organization, user, member, made):
    """Rotating a key shows its token. The person before knows the former one, while it is valid."""
    named = {key.name: key for key in ApiKey.objects.all()}
    keys.rotate(named["owners"], actor=member)
    _, current = keys.rotate(named["theirs"], actor=user)
    members.remove(Membership.objects.get(user=member), actor=user)

    (left,) = leftovers.list_leftovers(organization)
    shown = [[key.name for key in some] for some in (left.keys, left.former_keys)]
    leftovers.revoke_leftovers(organization, member.pk, actor=user)

    assert shown == [["owners", "second"], ["theirs"]]
    assert ApiKey.objects.get(name="theirs").former_digest is None
    assert keys.find(current).name == "theirs"
    assert leftovers.list_leftovers(organization) == []


@pytest.mark.parametrize("find", [keys.find, keys.find_cached])
def test_a_former_token_ends_with_the_account_of_its_person(organization, user, member, find):
    key, former = keys.create(organization, name="theirs", scopes=["read"], actor=member)
    _, current = keys.rotate(key, actor=user)
    assert find(former) == key

    member.is_active = False
    member.save()

    assert find(former) is None
    assert find(current) == key


@pytest.mark.parametrize("person", ["", "x", "0", "999999999999999999999"])
def test_an_unknown_person_revokes_nothing(client, user, made, person):
    client.force_login(user)

    assert client.post(URL, {"person": person}).status_code == 302
    assert ApiKey.objects.filter(revoked_at=None).count() == 3


def test_only_owners_see_it(client, member, made):
    client.force_login(member)

    assert client.get(URL).status_code == 403
    assert client.post(URL, {"person": member.pk}).status_code == 403


def test_another_organization_is_not_touched(client, stranger, user, member, organization, made):
    members.remove(Membership.objects.get(user=member), actor=user)
    client.force_login(stranger)

    assert "theirs" not in client.get(URL).content.decode()
    client.post(URL, {"person": member.pk})
    assert ApiKey.objects.filter(revoked_at=None).count() == 3


HOSTED = [kind for kind in kinds.all() if kind.host_is_theirs() and kind.has_form()]


@pytest.mark.parametrize("kind", HOSTED, ids=lambda kind: kind.slug)
def test_a_stored_secret_is_not_kept_for_another_host(organization, kind):
    """A member may edit but not reveal: the secret must not be sent to a host of theirs."""
    credential = make_credential(organization, kind.slug)
    declared = kind.properties_class
    public = {n: v for n, v in credential.properties.items() if not declared.is_secret(n)}
    same = CredentialForm.of(credential, as_posted(public))
    other = sample_values(declared, "other")
    texts = [n for n in CredentialForm.of(credential).names if isinstance(public.get(n), str)]
    moved = {**public, texts[0]: public[texts[0]].replace("a", "b").replace("1", "2")}
    changed = CredentialForm.of(credential, as_posted(moved))
    entered = CredentialForm.of(credential, as_posted({**other, **moved}))

    assert same.is_valid(), same.errors
    assert not changed.is_valid()
    assert MOVED in str(changed.errors) or texts[0] in changed.errors
    assert MOVED not in str(entered.errors)


def as_posted(values):
    return {n: " ".join(v) if isinstance(v, list) else str(v) for n, v in values.items()}


def test_the_ends_of_a_password_are_for_who_may_reveal(client, user, viewer, organization):
    _, target, _ = make_synced(make_credential(organization, "stripe_key"))
    address = reverse("dashboard:target", args=[target.pk])

    client.force_login(viewer)
    assert "spic...6789" not in client.get(address).content.decode()
    client.force_login(user)
    assert "spic...6789" in client.get(address).content.decode()
