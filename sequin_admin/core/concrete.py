"""The concrete model of a row: a Stripe key is a credential, whatever its proxy is called."""

from django.db import models


def concrete_model(row: models.Model | type[models.Model]) -> type[models.Model]:
    """The model with the table, of a row or of a model. Not by `type()`: `request.user` is lazy."""
    return row._meta.concrete_model or (row if isinstance(row, type) else type(row))


def noun(row: models.Model | type[models.Model], count: int = 1) -> str:
    """What `count` rows of its model are called in a sentence: credential, OAuth apps."""
    meta = concrete_model(row)._meta
    return str(meta.verbose_name if count == 1 else meta.verbose_name_plural)
