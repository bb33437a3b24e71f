"""API keys: scopes, rotation with two valid tokens, and no privilege escalation."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from sequin_admin.access import keys
from sequin_admin.access.key_scopes import PrivilegeEscalation, excess_privileges
from sequin_admin.access.models import ApiKey, ApiKeyState, Scope
from sequin_admin.audit.models import Event
from sequin_admin.core import clock

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def nothing_remembered():
    keys._cache.clear()


@pytest.fixture
def made(organization):
    return keys.create(organization, name="worker", scopes=["read", "keys"], actor=None)


@pytest.fixture
def later(monkeypatch):
    """Move the clock forward."""
    now = clock.now
    return lambda by: monkeypatch.setattr(clock, "now", lambda: now() + by)


def test_a_key_is_stored_as_it_is_compared(organization):
    key, _ = keys.create(
        organization,
        name="k",
        scopes=[Scope.WRITE, "read", "read"],
        networks=["10.1.2.3/8", "::ffff:10.0.0.0/104"],
        requests_per_minute=5,
        actor=None,
    )

    assert key.scopes == ["read", "write"]
    assert key.networks == ["10.0.0.0/8"]
    assert key.allowed_per_minute == 5
    assert Event.objects.about(key).get().details == {
        "scopes": ["read", "write"],
        "expires_at": None,
        "networks": ["10.0.0.0/8"],
        "requests_per_minute": 5,
    }


def test_without_a_limit_of_its_own_it_has_the_installations(made, settings):
    settings.API_REQUESTS_PER_MINUTE = 7

    assert made[0].allowed_per_minute == 7


@pytest.mark.parametrize(
    ("column", "value", "path"),
    [
        ("name", " ", "name"),
        ("scopes", [], "scopes"),
        ("scopes", ["read", "everything"], "scopes"),
        ("expires_at", datetime(2020, 1, 1, tzinfo=UTC), "expires_at"),
        ("networks", ["10.0.0.0/8", "sand"], "networks.1"),
        ("networks", [f"10.0.{n}.0/24" for n in range(101)], "networks"),
        ("requests_per_minute", 0, "requests_per_minute"),
        ("requests_per_minute", 10_000_001, "requests_per_minute"),
    ],
)
def test_mistakes_are_told_by_column(organization, made, column, value, path):
    good = {"name": "k", "scopes": ["read"]}

    for run in (
        lambda: keys.create(organization, actor=None, **good | {column: value}),
        lambda: keys.update(made[0], actor=None, **{column: value}),
    ):
        with pytest.raises(ValidationError) as refused:
            run()
        assert list(refused.value.message_dict) == [path]
    assert ApiKey.objects.count() == 1


def test_keys_of_a_deactivated_account_open_nothing_meanwhile(organization, user):
    made, token = keys.create(organization, name="k", scopes=["keys"], actor=user)
    child, inherited = keys.create(organization, name="c", scopes=["keys"], actor=made)
    cached = keys.find_cached(token)

    user.is_active = False
    user.save()

    assert keys.find(token) is keys.find(inherited) is None
    assert not keys.is_still_usable(cached)
    assert not ApiKey.objects.annotate(
        on=keys.still_usable(child.pk, child.version, clock.now())
    ).filter(on=True)
    user.is_active = True
    user.save()
    assert keys.find(token) == made


def test_a_change_is_written_down_with_before_and_after(made, user):
    key = keys.update(made[0], actor=user, scopes=["read"], networks=["10.0.0.1/8"], name="worker")

    event = Event.objects.about(key).get(action="api_key.changed")
    assert event.actor == user.email
    assert event.details == {
        "scopes": [["keys", "read"], ["read"]],
        "networks": [[], ["10.0.0.0/8"]],
    }


def test_what_is_the_same_is_no_change(made):
    keys.update(made[0], actor=None, name="worker", scopes=["read", "keys"], networks=[])

    assert not Event.objects.filter(action="api_key.changed").exists()
    assert ApiKey.objects.get().version == 1


def test_after_a_rotation_both_tokens_open_the_key_for_a_while(made, later):
    key, old = made
    _, new = keys.rotate(key, actor=None, overlap=HOUR)

    assert keys.find(old) == keys.find(new) == keys.find_cached(old) == key
    assert keys.find(old).state(clock.now()) == ApiKeyState.ROTATING
    later(HOUR)
    assert keys.find(old) is keys.find_cached(old) is None
    assert keys.find(new).state(clock.now()) == ApiKeyState.ACTIVE


def test_neither_token_is_stored(made):
    _, new = keys.rotate(made[0], actor=None)

    stored = ApiKey.objects.get()
    assert made[1] not in str(vars(stored))
    assert new not in str(vars(stored))
    assert new.startswith(stored.prefix)
    assert made[1].startswith(stored.former_prefix)
    assert new not in str([event.details for event in Event.objects.all()])


def test_without_overlap_the_old_token_ends_at_once(made):
    key, old = made
    keys.find_cached(old)

    keys.rotate(key, actor=None, overlap=timedelta())

    assert keys.find(old) is None
    assert not keys.is_still_usable(key)


def test_there_is_one_former_token_at_a_time(made):
    key, first = made
    _, second = keys.rotate(key, actor=None)
    _, third = keys.rotate(key, actor=None)

    assert keys.find(first) is None
    assert keys.find(second) == keys.find(third) == key


def test_the_former_token_can_be_ended_early(made):
    key, old = made
    _, new = keys.rotate(key, actor=None)

    keys.end_former_token(key, actor=None)
    keys.end_former_token(key, actor=None)

    assert keys.find(old) is None
    assert keys.find(new) == key
    assert Event.objects.filter(action="api_key.former_token_ended").count() == 1


def test_it_is_seen_whether_the_former_token_is_still_used(made):
    key, old = made
    _, new = keys.rotate(key, actor=None)

    keys.find(new)
    assert ApiKey.objects.get().former_used_at is None
    keys.find(old)
    assert ApiKey.objects.get().former_used_at


def test_revoking_ends_both_tokens(made):
    key, old = made
    _, new = keys.rotate(key, actor=None)

    keys.revoke(key, actor=None)
    keys.revoke(key, actor=None)

    assert keys.find(old) is keys.find(new) is None
    assert Event.objects.filter(action="api_key.revoked").count() == 1


@pytest.mark.parametrize("overlap", [-HOUR, 7 * DAY + HOUR])
def test_an_overlap_lasts_a_week_at_most(made, overlap):
    with pytest.raises(ValidationError, match="0 to 7 days"):
        keys.rotate(made[0], actor=None, overlap=overlap)


def test_what_is_over_is_neither_rotated_nor_changed(organization, made, later):
    brief, _ = keys.create(
        organization, name="brief", scopes=["read"], expires_at=clock.now() + HOUR, actor=None
    )
    keys.revoke(made[0], actor=None)
    later(DAY)

    for run in (
        lambda: keys.rotate(made[0], actor=None),
        lambda: keys.update(made[0], actor=None, name="x"),
        lambda: keys.rotate(brief, actor=None),
    ):
        with pytest.raises(keys.Ended):
            run()
    assert keys.update(brief, actor=None, expires_at=None).state(clock.now()) == ApiKeyState.ACTIVE


@pytest.mark.parametrize(
    "change",
    [
        lambda key: keys.revoke(key, actor=None),
        lambda key: keys.rotate(key, actor=None),
        lambda key: keys.update(key, actor=None, networks=["10.0.0.0/8"]),
        lambda key: keys.update(key, actor=None, scopes=["write"]),
        lambda key: keys.update(key, actor=None, requests_per_minute=1),
    ],
    ids=["revoked", "rotated", "networks", "scopes", "limit"],
)
def test_who_remembers_a_key_notices_every_change(made, change):
    key = keys.find_cached(made[1])
    assert keys.is_still_usable(key)

    change(key)

    assert not keys.is_still_usable(key)


@pytest.mark.parametrize("state", ApiKeyState)
def test_keys_are_found_by_their_state(organization, made, later, state):
    rotating, _ = keys.create(organization, name="r", scopes=["read"], actor=None)
    keys.rotate(rotating, actor=None, overlap=7 * DAY)
    brief = clock.now() + HOUR
    keys.create(organization, name="e", scopes=["read"], expires_at=brief, actor=None)
    gone, _ = keys.create(organization, name="g", scopes=["read"], expires_at=brief, actor=None)
    keys.revoke(gone, actor=None)
    later(DAY)

    found = ApiKey.objects.in_state(state, clock.now())

    assert [key.state(clock.now()) for key in found] == [state]


MINE = {
    "scopes": ["keys", "read"],
    "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
    "networks": ["10.0.0.0/8", "2001:db8::/32"],
    "requests_per_minute": 100,
}


@pytest.mark.parametrize(
    ("theirs", "more"),
    [
        ({}, []),
        ({"scopes": ["read"], "networks": ["10.9.0.0/16"], "requests_per_minute": 1}, []),
        ({"networks": ["2001:db8:1::/48", "10.0.0.0/8"]}, []),
        ({"expires_at": datetime(2029, 1, 1, tzinfo=UTC)}, []),
        ({"scopes": ["secrets"]}, ["scopes"]),
        ({"expires_at": None}, ["expires_at"]),
        ({"expires_at": datetime(2031, 1, 1, tzinfo=UTC)}, ["expires_at"]),
        ({"networks": []}, ["networks"]),
        ({"networks": ["10.0.0.0/7"]}, ["networks"]),
        ({"networks": ["10.0.0.0/8", "192.0.2.0/24"]}, ["networks"]),
        ({"networks": ["::/0"]}, ["networks"]),
        ({"requests_per_minute": None}, ["requests_per_minute"]),
        ({"requests_per_minute": 101}, ["requests_per_minute"]),
    ],
)
def test_no_key_reaches_further_than_the_one_that_makes_it(theirs, more):
    assert list(excess_privileges(ApiKey(**MINE), ApiKey(**MINE | theirs))) == more


def test_a_key_that_is_not_bound_binds_nothing():
    assert excess_privileges(ApiKey(scopes=list(Scope)), ApiKey(**MINE)) == {}


def test_a_key_neither_widens_narrows_nor_rotates_a_greater_one(organization, made):
    greater, _ = keys.create(organization, name="g", scopes=["read", "secrets"], actor=None)

    for run in (
        lambda: keys.update(greater, actor=made[0], networks=["10.0.0.0/8"]),
        lambda: keys.update(greater, actor=made[0], scopes=["read"]),
        lambda: keys.rotate(greater, actor=made[0]),
        lambda: keys.update(made[0], actor=made[0], scopes=list(Scope)),
        lambda: keys.create(organization, name="x", scopes=["secrets"], actor=made[0]),
        lambda: keys.end_former_token(greater, actor=made[0]),
        lambda: keys.revoke(greater, actor=made[0]),
    ):
        with pytest.raises(PrivilegeEscalation, match="more than itself"):
            run()
    assert ApiKey.objects.get(pk=greater.pk).version == 1


def test_a_key_of_a_key_inherits_the_person(organization, user):
    first, _ = keys.create(organization, name="f", scopes=["keys", "read"], actor=user)
    second, _ = keys.create(organization, name="s", scopes=["read"], actor=first)

    assert (first.created_by, second.created_by) == (user, user)


def test_the_keys_of_a_deactivated_person_open_nothing(organization, user):
    _, token = keys.create(organization, name="f", scopes=["read"], actor=user)
    user.is_active = False
    user.save()

    assert keys.find(token) is None
