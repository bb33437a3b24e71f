"""Everything that has a health, whatever package it is in."""

from functools import cache

from django.apps import apps

from sequin_admin.credentials.models import Monitored


@cache
def models() -> dict[str, type[Monitored]]:
    """By what checks, incidents and addresses call them."""
    watched = (model for model in apps.get_models() if issubclass(model, Monitored))
    return {model.entity: model for model in watched if not model._meta.proxy}


def deferred_columns(model: type[Monitored]) -> list[str]:
    """What need not be decrypted to see how a row fares."""
    return [field.name for field in model._meta.fields if field.name == "secrets"]
