"""The monitored models of all packages."""

from functools import cache

from django.apps import apps

from sequin_admin.access.models import OwnedQuerySet
from sequin_admin.credentials.models import Monitored


@cache
def monitored_models() -> dict[str, type[Monitored]]:
    """Monitored models by their entity, as checks, incidents and URLs name them."""
    monitored = (model for model in apps.get_models() if issubclass(model, Monitored))
    return {model.entity: model for model in monitored if not model._meta.proxy}


def deferred_columns(model: type[Monitored]) -> list[str]:
    """Encrypted columns, which the status of a row does not need."""
    return [field.name for field in model._meta.fields if field.name == "secrets"]


def with_dependencies(model: type[Monitored]) -> OwnedQuerySet[Monitored]:
    """Rows of the model, joined with those they need by a foreign key, and without secrets:
    a sync with its credential and that one's OAuth app."""
    columns = {field.name for field in model._meta.fields}
    paths = ("oauth_app", "credential", "credential__oauth_app", "target")
    joined = [path for path in paths if path.split("__")[0] in columns]
    hidden = [f"{path}__secrets" for path in joined]
    rows = OwnedQuerySet[Monitored](model).select_related(*joined)
    return rows.defer(*hidden, *deferred_columns(model))
