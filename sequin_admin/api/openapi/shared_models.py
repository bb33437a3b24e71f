"""What Ninja makes of the operations, in less time: they answer with the same models."""

from copy import deepcopy
from typing import Any, Literal

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.params.models import TModel


class SharingSchema(OpenAPISchema):
    """Ninja's document, for which each model is described once."""

    def __init__(self, api: NinjaAPI, path_prefix: str) -> None:
        self._made: dict[object, tuple[dict[str, Any], bool]] = {}
        super().__init__(api, path_prefix)

    def _create_schema_from_model(
        self,
        model: TModel,
        by_alias: bool = True,
        remove_level: bool = True,
        mode: Literal["validation", "serialization"] = "validation",
    ) -> tuple[dict[str, Any], bool]:
        key = (model, by_alias, remove_level, mode)
        if key not in self._made:
            self._made[key] = super()._create_schema_from_model(model, by_alias, remove_level, mode)
        return deepcopy(self._made[key])
