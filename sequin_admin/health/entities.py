"""The monitored models of all packages."""

from functools import cache

from django.apps import apps

from sequin_admin.core.monitored import Monitored


@cache
def monitored_models() -> dict[str, type[Monitored]]:
    """Monitored models by their entity, as checks, incidents and URLs name them."""
    monitored = (model for model in apps.get_models() if issubclass(model, Monitored))
    return {model.entity: model for model in monitored if not model._meta.proxy}


def deferred_columns(model: type[Monitored]) -> list[str]:
    """Encrypted columns, which the status of a row does not need."""
    return [field.name for field in model._meta.fields if field.name == "secrets"]
