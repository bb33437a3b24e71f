"""What we know about the state of each credential and OAuth app, and how it came about."""

import uuid

from django.db import models

from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Verdict


class About(models.Model):
    """Exactly one of the two is set."""

    credential = models.ForeignKey(Credential, models.CASCADE, null=True, related_name="%(class)ss")
    oauth_app = models.ForeignKey(OAuthApp, models.CASCADE, null=True, related_name="%(class)ss")

    class Meta:
        abstract = True


class Check(About):
    """The latest result of one check, and since when it has been like that.

    `times` counts equal results in a row. `evidence` is redacted: `{status, body, request_id}`.
    """

    name = models.CharField(max_length=40)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    code = models.CharField(max_length=60)
    message = models.CharField(max_length=500, blank=True)
    remedy = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("credential", "name"), name="check_of_credential"),
            models.UniqueConstraint(fields=("oauth_app", "name"), name="check_of_oauth_app"),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.get_verdict_display()}"


class Transition(About):
    """One change of status, with the sentence that explains it."""

    at = models.DateTimeField(default=clock.now)
    before = models.CharField(max_length=24, blank=True)
    after = models.CharField(max_length=24)
    code = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.before or 'new'} -> {self.after}"


class WorkerProcess(models.Model):
    """One running `manage.py worker`. It says that it lives; on an orderly end the row goes away.

    `jobs` is its tally: `{name: {"done", "failed", "ran_at", "error", "error_at"}}`. Here, since
    whether the worker works is health, and edges own no tables.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hostname = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    threads = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    beat_at = models.DateTimeField(default=clock.now)
    stopping = models.BooleanField(default=False)
    jobs = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.hostname}:{self.pid}"
