"""Mails of connect links to customers: which were sent, their texts, and how many are allowed."""

import uuid

from django.db import models

from sequin_admin.access.models import Organization, OwnedQuerySet, User
from sequin_admin.connect.models.links import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.languages import CODE_CHARS, ENGLISH, LANGUAGES
from sequin_admin.notifications.models import LOG_ENTRIES, Delivery

SUBJECT_CHARS, TEXT_CHARS = 150, 4000
DEFAULT_REMIND_HOURS = 24


class MailPurpose(models.TextChoices):
    """What a mail with a link asks for."""

    CONNECT = "connect", "Connect an account"
    RECONNECT = "reconnect", "Connect an account again"
    REMINDER = "reminder", "Reminder before the link ends"


class LinkMail(models.Model):
    """A mail with a link to its contact. `delivery` has its state and its tries, until it is
    pruned. `created_by` is the person who sent it; None for a reminder."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="link_mails")
    link = models.ForeignKey(ConnectLink, models.CASCADE, related_name="mails")
    delivery = models.OneToOneField(
        Delivery, models.SET_NULL, null=True, related_name="link_mail", editable=False
    )
    purpose = models.CharField(max_length=10, choices=MailPurpose, editable=False)
    to = models.EmailField(editable=False)
    language = models.CharField(max_length=CODE_CHARS, default=ENGLISH, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet["LinkMail"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("link",),
                condition=models.Q(purpose="reminder"),
                name="link_mail_one_reminder",
            ),
        )
        indexes = (models.Index(fields=("link", "-created_at"), name="link_mail_newest"),)

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, to {self.to}"

    @property
    def unfinished_tries(self) -> int:
        """How many tries were begun and never recorded as ended, as far as the log goes back."""
        row = self.delivery
        if row is None or row.is_leased() or row.attempts > LOG_ENTRIES:
            return 0
        return max(0, row.attempts - len(row.log))


class MailTemplate(models.Model):
    """An organization's text of the mails of a purpose in a language, in place of ours."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="mail_templates")
    purpose = models.CharField(max_length=10, choices=MailPurpose)
    language = models.CharField(max_length=CODE_CHARS, choices=LANGUAGES)
    subject = models.CharField(max_length=SUBJECT_CHARS)
    text = models.TextField(max_length=TEXT_CHARS)
    changed_at = models.DateTimeField(default=clock.now)

    objects = OwnedQuerySet["MailTemplate"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "purpose", "language"), name="mail_template_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} ({self.get_language_display()})"


class MailSettings(models.Model):
    """`most_a_day` lowers the installation's limit; None leaves it. `remind_hours` before its end a
    link's contact is reminded unless the sender says otherwise; 0: not at all."""

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="mail_settings"
    )
    most_a_day = models.PositiveIntegerField(null=True, blank=True)
    remind_hours = models.PositiveSmallIntegerField(default=DEFAULT_REMIND_HOURS)

    class Meta:
        verbose_name_plural = "mail settings"

    def __str__(self) -> str:
        return f"mail settings of {self.organization_id}"


class MailCount(models.Model):
    """How many mails with links an organization has sent on the latest day (UTC) with any."""

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="mail_count"
    )
    day = models.DateField()
    used = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.used} on {self.day}"
