"""Passwords of targets that were replaced."""

from django.db import models

from sequin_admin.access.models import FormerSecrets
from sequin_admin.syncs.models.pipeline import Target


class FormerTargetSecrets(FormerSecrets):
    """A password of a target that was replaced."""

    owner = models.ForeignKey(Target, models.CASCADE, related_name="former_secrets")

    class Meta(FormerSecrets.Meta):
        verbose_name_plural = "former target secrets"
