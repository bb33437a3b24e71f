"""What a query costs at the simulated Shopify. https://shopify.dev/docs/api/usage/limits"""

from sequin_admin.simulator.graphql.selections import SelectedField
from sequin_admin.simulator.providers.shopify.queries import MOST


def cost_of(fields: list[SelectedField], data: object = None) -> int:
    """An object costs 1 and a connection 2, and a node on its pages what its fields do and 1.

    With the `data` of the answer, by the nodes that are there, else by those asked for.
    """
    return sum(field_cost(field, within(data, field.key)) for field in fields if not field.is_leaf)


def within(data: object, key: str) -> object:
    """A member of the answer; `data` itself while there is no answer yet."""
    return data.get(key, ()) if isinstance(data, dict) else data


def field_cost(field: SelectedField, data: object) -> int:
    """Nothing for what is null."""
    if data is not None and not isinstance(data, dict | list):
        return 0
    if isinstance(data, list):
        return sum(1 + cost_of(field.children, one) for one in data)
    if not field.is_connection:
        return 0 if field.kind == "PageInfo" else 1 + cost_of(field.children, data)
    pages = [part for part in field.children if part.name in ("edges", "nodes")]
    return 2 + sum(page_cost(field, part, within(data, part.key)) for part in pages)


def page_cost(field: SelectedField, part: SelectedField, data: object) -> int:
    if part.name == "nodes":
        nodes, there = part.children, data if isinstance(data, list) else None
    else:
        node = next((one for one in part.children if one.name == "node"), None)
        nodes = node.children if node else []
        edges = data if isinstance(data, list) else None
        there = edges and [within(edge, node.key) if node else {} for edge in edges]
    if isinstance(data, list):
        return sum(1 + cost_of(nodes, one) for one in there or ())
    return field.page_size(MOST) * (1 + cost_of(nodes))
