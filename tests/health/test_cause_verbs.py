"""What people do about a cause: take it, mute it, write about it."""

import pytest

from sequin_admin.access.models import Membership
from sequin_admin.access.rights import RightLost
from sequin_admin.audit.models import Event
from sequin_admin.credentials import outcomes
from sequin_admin.health import cause_alerts, cause_verbs
from sequin_admin.health.cause_verbs import CauseRefused
from sequin_admin.health.models import Cause
from sequin_admin.notifications import delivery
from sequin_admin.notifications.models import Delivery
from tests.conftest import make_member
from tests.due_work import notify
from tests.health.test_causes import MINUTE, REVOKED, channel, fleet, see

__all__ = ["channel", "fleet"]


def delivery_is_due():
    return Delivery.objects.due().exists()


def make_channel_like(channel):
    channel.pk, channel.name = None, "Night"
    channel.save(force_insert=True)


@pytest.fixture
def cause(fleet):
    see(fleet[:1], REVOKED)
    return Cause.objects.get()


def test_a_muted_cause_counts_and_is_told_of_when_the_time_is_over(fleet, hours, user):
    see(fleet, REVOKED)
    cause = Cause.objects.get()
    cause_verbs.mute(cause, until=hours.now + 2 * MINUTE, actor=user)
    hours.pass_by(MINUTE)
    assert cause_alerts.notify_due() == 0
    assert Cause.objects.get().open_incidents == 12

    hours.pass_by(MINUTE)

    assert cause_alerts.notify_due() == 1


def test_only_members_take_a_cause_and_only_an_open_one(fleet, user, hours, django_user_model):
    see(fleet[:1], REVOKED)
    cause = Cause.objects.get()
    stranger = django_user_model.objects.create(email="feyd@harkonnen.test")
    left = make_member(cause.organization, "yueh@arrakis.test", "member")
    left.is_active = False
    left.save()
    for nobody in (stranger, left):
        with pytest.raises(CauseRefused, match="Only a member"):
            cause_verbs.take(cause, nobody, actor=user)
    assert cause_verbs.take(cause, user, actor=user).owner == user
    assert cause_verbs.release(cause, actor=user).owner is None
    see(fleet[:1], outcomes.works())

    with pytest.raises(CauseRefused, match="It is over"):
        cause_verbs.mute(cause, until=None, actor=user)


def test_who_leaves_is_on_nothing_any_more(fleet, user):
    """What is over keeps the name of who was on it."""
    for rows, code in ((fleet[:1], "one"), (fleet[1:2], "two")):
        see(rows, outcomes.customer(code, "HubSpot refuses it.", "Connect again."))
        cause_verbs.take(Cause.objects.get(code=code), user, actor=user)
    see(fleet[1:2], outcomes.works())

    Membership.objects.get(user=user).delete()

    owners = Cause.objects.order_by("code").values_list("owner", flat=True)
    assert list(owners) == [None, user.pk]


def test_a_muted_cause_tells_nobody_that_it_has_grown(fleet, cause, hours, user):
    notify()
    cause_verbs.mute(cause, until=None, actor=user)
    see(fleet[1:], REVOKED)
    assert notify() == 0

    cause_verbs.unmute(cause, actor=user)

    assert notify() == 1


def test_what_waits_to_be_sent_is_not_when_it_is_muted(fleet, channel, hours, user):
    see(fleet[:1], REVOKED)
    notify()
    cause, waiting = Cause.objects.get(), Delivery.objects.get()

    cause_verbs.mute(cause, until=hours.now + MINUTE, actor=user)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.last_error) == ("dropped", cause_verbs.MUTED)
    assert (notify(), delivery_is_due()) == (0, False)
    hours.pass_by(MINUTE)
    assert (notify(), notify(), delivery_is_due()) == (1, 0, True)


@pytest.mark.parametrize("state", ["delivered", "given_up"])
def test_what_was_sent_before_it_was_muted_is_not_sent_again(fleet, channel, user, state):
    make_channel_like(channel)
    see(fleet[:1], REVOKED)
    notify()
    Delivery.objects.filter(channel=channel).update(state=state, next_try_at=None)
    cause = Cause.objects.get()

    cause_verbs.unmute(cause_verbs.mute(cause, until=None, actor=user), actor=user)

    assert notify() == 0
    assert sorted(Delivery.objects.values_list("state", flat=True)) == sorted([state, "dropped"])


def test_what_is_being_sent_is_not_taken_back(fleet, channel, user):
    see(fleet[:1], REVOKED)
    notify()
    [claimed] = delivery.claim_due(1)

    cause_verbs.mute(Cause.objects.get(), until=None, actor=user)

    assert delivery.still_leased(claimed).exists()
    assert Cause.objects.get().told_at


def test_its_growth_is_told_when_it_is_muted_no_longer(fleet, channel, user):
    see(fleet[:1], REVOKED)
    notify()
    Delivery.objects.update(state="delivered", next_try_at=None)
    see(fleet[1:], REVOKED)
    notify()

    cause_verbs.unmute(cause_verbs.mute(Cause.objects.get(), until=None, actor=user), actor=user)

    assert (notify(), notify()) == (1, 0)
    told = Delivery.objects.order_by("pk").values_list("type", "state")
    assert list(told) == [
        *(("cause.opened", "delivered"), ("cause.grew", "dropped"), ("cause.grew", "pending")),
    ]


def test_a_mute_lasts_90_days_at_most_and_ends_with_its_cause(fleet, cause, hours, user):
    longest = hours.now + cause_verbs.MUTE_AT_MOST
    for until in (hours.now, longest + MINUTE):
        with pytest.raises(CauseRefused, match="Choose a time from now until") as refused:
            cause_verbs.mute(cause, until=until, actor=user)
        assert refused.value.field == "until"
    assert cause_verbs.mute(cause, until=longest, actor=user).is_muted(hours.now)

    see(fleet[:1], outcomes.works())

    assert not Cause.objects.get().is_muted(hours.now)


def test_what_is_done_already_is_not_audited_again(cause, user):
    for verb in (cause_verbs.release, cause_verbs.unmute):
        verb(cause, actor=user)
    for _ in range(2):
        cause_verbs.take(cause, user, actor=user)

    assert [event.action for event in Event.objects.about(cause)] == ["cause.taken"]


def test_who_lost_the_right_does_nothing_about_it(cause, user):
    Membership.objects.filter(user=user).update(role="viewer")

    for act in (
        lambda: cause_verbs.take(cause, user, actor=user),
        lambda: cause_verbs.mute(cause, until=None, actor=user),
        lambda: cause_verbs.add_note(cause, "Ticket 4711.", actor=user),
    ):
        with pytest.raises(RightLost):
            act()


def test_notes_have_an_end(cause, user, monkeypatch):
    monkeypatch.setattr(cause_verbs, "NOTES", 2)
    for _ in range(2):
        cause_verbs.add_note(cause, "Ticket 4711.", actor=user)

    with pytest.raises(CauseRefused, match="It has 2 notes"):
        cause_verbs.add_note(cause, "Another.", actor=user)
