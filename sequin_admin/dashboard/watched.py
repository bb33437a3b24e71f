"""The models whose rows have a health, by what their addresses call them."""

from functools import cache

from django.apps import apps

from sequin_admin.credentials.models import Watched


@cache
def models() -> dict[str, type[Watched]]:
    watched = (model for model in apps.get_models() if issubclass(model, Watched))
    return {model.entity: model for model in watched if not model._meta.proxy}
