"""Addresses that are told of an account's changes, and what they have not confirmed yet."""

from django.db import models

from sequin_admin.simulator.models.accounts import SimulatedAccount


class WebhookEndpoint(models.Model):
    """`told_ms` is the moment up to which changes were looked at, in milliseconds since 1970."""

    account = models.ForeignKey(SimulatedAccount, models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=500)
    secret = models.CharField(max_length=200)
    told_ms = models.BigIntegerField()


class WebhookMessage(models.Model):
    """A change that the endpoint has not confirmed: deleted once it has, or has failed too often.

    It is sent at `due_ms` of the simulated clock, which whoever sends it moves on first.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="messages")
    event_id = models.CharField(max_length=100)
    topic = models.CharField(max_length=100)
    payload = models.JSONField()
    changed_ms = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=0)
    due_ms = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("due_ms", "id"), name="webhook_due"),)
