"""Reminds contacts of links that end soon and were not used: once, and within the day's limit."""

from uuid import UUID

from django.db import models, transaction

from sequin_admin.access import endings
from sequin_admin.access.models import Organization
from sequin_admin.connect.mails.allowance import left_today
from sequin_admin.connect.mails.sending import refusal, send_checked
from sequin_admin.connect.models import ConnectLink, LinkMail, MailPurpose
from sequin_admin.core import clock
from sequin_admin.core.chunks import CHUNK_SIZE


def remind_due() -> int:
    """Mail all reminders whose time has come. Returns how many."""
    organizations = due_links().order_by("remind_at").values_list("organization", flat=True)
    return sum(remind_all(pk) for pk in {*organizations})


def due_links() -> models.QuerySet[ConnectLink]:
    rows = ConnectLink.objects.open(clock.now()).filter(remind_at__lte=clock.now())
    return endings.without_ending(rows, endings.list_ending())


def remind_all(organization: UUID) -> int:
    count = 0
    while reminded := remind_next(organization):
        count += reminded
    return count


@transaction.atomic
def remind_next(pk: UUID) -> int:
    """Remind the next contacts of an organization; those above the day's limit wait."""
    organization = Organization.objects.select_for_update(no_key=True).get(pk=pk)
    room = min(left_today(organization), CHUNK_SIZE)
    rows = (
        due_links().filter(organization=organization).select_related("organization", "reconnects")
    )
    due = list(
        rows.select_for_update(skip_locked=True, of=("self",), no_key=True).order_by("remind_at")[
            :room
        ]
    )
    reminded = LinkMail.objects.filter(link__in=due, purpose=MailPurpose.REMINDER)
    before = set(reminded.values_list("link", flat=True))
    good = [link for link in due if link.pk not in before and not refusal(link, 0)]
    send_checked(organization, good, actor=None, purpose=MailPurpose.REMINDER)
    ConnectLink.objects.filter(pk__in=[link.pk for link in due]).update(remind_at=None)
    return len(due)
