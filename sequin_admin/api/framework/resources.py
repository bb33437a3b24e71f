"""Resources of the API: a router of its own, and what the reference page says about its tag."""

from collections.abc import Callable
from functools import cache
from typing import Any

from ninja import Router, Schema
from ninja.operation import Operation, PathView


@cache
def response_model(shape: object) -> type[Schema]:
    """Of a response of that shape. Ninja makes one for each status of each operation, 1,500, which
    takes half a second of each process's start."""
    return type("NinjaResponseSchema", (Schema,), {"__annotations__": {"response": shape}})


class SharingOperation(Operation):
    """An operation that shares the models of its responses with all others."""

    def _create_response_model(self, response_param: object) -> type[Schema] | None:
        return None if response_param is None else response_model(response_param)


class SharingPathView(PathView):
    """The operations of one path."""

    def add_operation(
        self, path: str, methods: list[str], view_func: Callable[..., object], **options: Any
    ) -> Operation:
        operation = SharingOperation(path, methods, view_func, **options)
        self.url_name = options["url_name"] or self.url_name
        self.operations.append(operation)
        # What `decorate_view` looks for.
        view_func._ninja_operation = operation  # type: ignore[attr-defined]
        return operation


class Resource(Router):
    """The operations of one module. `about` describes the `tag`; one module of each tag has it."""

    def __init__(self, tag: str, about: str = "", **options: Any) -> None:
        super().__init__(tags=[tag], **options)
        self.tag, self.about = tag, about

    def add_api_operation(
        self, path: str, methods: list[str], view_func: Callable[..., object], **options: Any
    ) -> None:
        self.path_operations.setdefault(path, SharingPathView())
        super().add_api_operation(path, methods, view_func, **options)
