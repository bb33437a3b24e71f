"""How many mails with a link an organization may send on a day, in UTC."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.connect.mails.texts import BadMail
from sequin_admin.connect.models import MailCount, MailSettings
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.words import count_words

MOST_REMIND_HOURS = 24 * 6


def get_mail_settings(organization: Organization) -> MailSettings:
    """The stored ones, or unsaved ones with our defaults."""
    found = MailSettings.objects.filter(pk=organization.pk).first()
    return found or MailSettings(organization=organization)


@transaction.atomic
def save_mail_settings(
    organization: Organization,
    *,
    most_a_day: int | None,
    remind_hours: int,
    actor: AnyActor,
) -> MailSettings:
    """Raises `BadMail`."""
    fields = {}
    if most_a_day is not None and not 0 <= most_a_day <= settings.MAX_LINK_MAILS_A_DAY:
        fields["most_a_day"] = (
            f"This installation allows {count_words(settings.MAX_LINK_MAILS_A_DAY, 'mail')} a day. "
            "Enter that or less; 0 sends none, and nothing leaves it at the installation's."
        )
    if not 0 <= remind_hours <= MOST_REMIND_HOURS:
        fields["remind_hours"] = f"Enter 0 to {MOST_REMIND_HOURS} hours; 0 sends no reminder."
    if fields:
        raise BadMail(fields)
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    row = get_mail_settings(organization)
    before = {"most_a_day": row.most_a_day, "remind_hours": row.remind_hours}
    after = {"most_a_day": most_a_day, "remind_hours": remind_hours}
    if before != after:
        row.most_a_day, row.remind_hours = most_a_day, remind_hours
        row.save()
        record_change(organization, "mail_settings.changed", actor, before=before, after=after)
    return row


@dataclass(frozen=True)
class MailAllowance:
    """How many mails an organization may send on this day (UTC), how many of them are left, and how
    many hours before a link's end its contact is reminded."""

    most: int
    left: int
    remind_hours: int


def get_allowance(organization: Organization) -> MailAllowance:
    own = get_mail_settings(organization)
    most = int(settings.MAX_LINK_MAILS_A_DAY)
    if own.most_a_day is not None:
        most = min(own.most_a_day, most)
    count = MailCount.objects.filter(pk=organization.pk, day=clock.now().date()).first()
    return MailAllowance(most, max(0, most - (count.used if count else 0)), own.remind_hours)


def left_today(organization: Organization) -> int:
    """How many mails may still be sent until midnight in UTC."""
    return get_allowance(organization).left


def take_allowance(organization: Organization, wanted: int) -> int:
    """Count up to `wanted` mails as sent; returns how many. Call it in the transaction that stores
    them: the lock makes concurrent ones wait, and what is rolled back was not counted."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    taken = min(wanted, left_today(organization))
    if taken:
        today = clock.now().date()
        row, _ = MailCount.objects.get_or_create(pk=organization.pk, defaults={"day": today})
        row.used = taken + (row.used if row.day == today else 0)
        row.day = today
        row.save()
    return taken


def too_many_message(organization: Organization, wanted: int, left: int) -> str:
    """Why not so many mails can be sent today, of which so many are left."""
    most = get_allowance(organization).most
    mails = count_words(wanted, "mail")
    return (
        f"{mails} would be more than is left today: {left:,} of {most:,}. Send the rest tomorrow, "
        "from 00:00 UTC, or ask who runs this installation to raise MAX_LINK_MAILS_A_DAY."
    )
