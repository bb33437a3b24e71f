"""What an organization asks of a sign-in before its pages open."""

from django.db import models

from sequin_admin.access.models.organizations import Organization
from sequin_admin.core import clock


class SignInRules(models.Model):
    """Rules for people who work in the organization; API keys and customers' pages have others.

    `provider` is the slug of the OpenID provider that members sign on through; empty: any way.
    Lengths of a session are in minutes; None: as long as the installation's. No networks: from
    anywhere.
    """

    organization = models.OneToOneField(
        Organization, models.CASCADE, primary_key=True, related_name="sign_in_rules"
    )
    second_factor = models.BooleanField(default=False)
    provider = models.CharField(max_length=60, blank=True, default="")
    longest_minutes = models.PositiveIntegerField(null=True, blank=True)
    idle_minutes = models.PositiveIntegerField(null=True, blank=True)
    networks = models.JSONField(default=list, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = verbose_name_plural = "sign-in rules"

    def __str__(self) -> str:
        return f"sign-in rules of {self.organization_id}"
