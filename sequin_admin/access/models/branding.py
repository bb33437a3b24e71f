"""How an organization presents itself to its customers."""

from django.db import models

from sequin_admin.access.models.organizations import Organization
from sequin_admin.core import clock
from sequin_admin.core.languages import CODE_CHARS, ENGLISH, LANGUAGES


class Branding(models.Model):
    """What customers see of an organization beside its name and logo.

    Colours are `#rrggbb`, or empty for ours: `accent` is that of buttons and links, `ground` that
    of the page around the card, each in the light and in the dark theme. `support` is a mail
    address or the https address of a page. `language` is that of mails to customers whose link has
    none.
    """

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="branding"
    )
    accent = models.CharField(max_length=7, blank=True, default="")
    accent_dark = models.CharField(max_length=7, blank=True, default="")
    ground = models.CharField(max_length=7, blank=True, default="")
    ground_dark = models.CharField(max_length=7, blank=True, default="")
    support = models.CharField(max_length=254, blank=True, default="")
    privacy_url = models.CharField(max_length=500, blank=True, default="")
    language = models.CharField(max_length=CODE_CHARS, choices=LANGUAGES, default=ENGLISH)
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"branding of {self.organization_id}"

    @property
    def support_url(self) -> str:
        """What a link to the support leads to; "" without one."""
        return f"mailto:{self.support}" if "@" in self.support else self.support

    @property
    def has_colours(self) -> bool:
        return any((self.accent, self.accent_dark, self.ground, self.ground_dark))
