"""Which role has which permission."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey
from sequin_admin.access.policy import Action, Role, allows, refusal
from sequin_admin.audit.models import AppendOnly, Event, record_change

RANKS = [Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER]


@given(st.sampled_from(RANKS), st.sampled_from(RANKS), st.sampled_from(list(Action)))
def test_a_higher_role_may_all_that_a_lower_one_may(one, other, action):
    low, high = sorted((one, other), key=RANKS.index)

    assert allows(high, action) or not allows(low, action)


def test_viewers_only_look():
    assert [action for action in Action if allows(Role.VIEWER, action)] == [Action.VIEW]


def test_owners_may_everything():
    assert all(allows(Role.OWNER, action) for action in Action)


@pytest.mark.parametrize("action", [a for a in Action if a is not Action.VIEW])
def test_a_refusal_says_who_could(action):
    assert "you need to be" in refusal(Role.VIEWER, action)


def test_a_token_is_not_stored(organization):
    key, token = keys.create(organization, name="k", scopes=["read"], actor=None)

    stored = ApiKey.objects.get(pk=key.pk)
    assert token not in str(vars(stored))
    assert token.startswith(stored.prefix)
    assert keys.find(token) == stored


def test_looking_a_key_up_notes_its_use_at_most_every_five_minutes(
    organization, django_assert_num_queries
):
    _, token = keys.create(organization, name="k", scopes=["read"], actor=None)
    keys.find(token)

    with django_assert_num_queries(1):
        keys.find(token)


def test_events_are_only_ever_added(organization, user):
    event = record_change(organization, "test.done", user)

    with pytest.raises(AppendOnly):
        event.save()
    with pytest.raises(AppendOnly):
        event.delete()
    with pytest.raises(AppendOnly):
        Event.objects.all().delete()
    with pytest.raises(AppendOnly):
        Event.objects.update(actor="somebody else")
