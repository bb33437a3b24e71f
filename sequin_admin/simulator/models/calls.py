"""Faults that are on, and the calls that were answered and counted."""

from django.db import models

from sequin_admin.simulator.models.accounts import SimulatedAccount
from sequin_admin.simulator.models.clock import now


class Fault(models.Model):
    """An active fault of one account or of the whole provider (account NULL).

    `times` counts down; NULL lasts until it is cleared. `data` holds the chaos settings.
    """

    provider = models.CharField(max_length=40)
    account = models.ForeignKey(SimulatedAccount, models.CASCADE, null=True, related_name="faults")
    name = models.CharField(max_length=40)
    times = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)


class SimulatedCall(models.Model):
    """One answered call, for tests and the control page."""

    provider = models.CharField(max_length=40)
    account = models.CharField(max_length=100, blank=True, default="")
    endpoint = models.CharField(max_length=200)
    status = models.PositiveIntegerField()
    at = models.DateTimeField(default=now)


class Hit(models.Model):
    """One counted call against a provider's published limit."""

    key = models.CharField(max_length=200, db_index=True)
    at = models.DateTimeField()
