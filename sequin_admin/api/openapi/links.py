"""OpenAPI links: the id in one response is the parameter of the next request.

https://spec.openapis.org/oas/v3.1.1.html#link-object
"""

import re
from collections.abc import Iterator
from typing import Any

# Where a response has the id: of the resource, or of the first row of a list.
OF_ONE, OF_FIRST = "$response.body#/id", "$response.body#/data/0/id"


def add_links(document: dict[str, Any]) -> None:
    """Link the responses of every collection's operations to the operations on one of its rows."""
    for path, name in rows_of(document):
        reachable = list(operations_on_row(document, path, name))
        for method, expression, prefix in (("post", OF_ONE, ""), ("get", OF_FIRST, "first_")):
            source = document["paths"][path].get(method, {})
            found = {
                f"{prefix}{operation}": link_object(path, operation, names, name, expression)
                for operation, names in reachable
            }
            for status, answer in source.get("responses", {}).items():
                if str(status).startswith("2") and "content" in answer:
                    answer["links"] = found


def rows_of(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Paths of collections, each with the name of the parameter that is the id of its rows."""
    paths = document["paths"]
    below = (found for path in paths for found in re.finditer(r"/\{(\w+_id)\}", path))
    found = {(each.string[: each.start()], each[1]) for each in below}
    yield from sorted((collection, name) for collection, name in found if collection in paths)


def operations_on_row(
    document: dict[str, Any], path: str, name: str
) -> Iterator[tuple[str, list[str]]]:
    """Operations with the path parameter `name`, and no other parameters than those of `path`."""
    known = {*names_in(path), name}
    for other, methods in document["paths"].items():
        names = names_in(other)
        if name in names and set(names) <= known:
            yield from ((operation["operationId"], names) for operation in methods.values())


def names_in(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


def link_object(
    path: str, operation: str, names: list[str], row: str, value: str
) -> dict[str, Any]:
    parameters = {name: value if name == row else f"$request.path.{name}" for name in names}
    return {"operationId": operation, "parameters": parameters}
