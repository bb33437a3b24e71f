"""What an operation selects, by which providers count its cost before they execute it."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    is_leaf_type,
)

from sequin_admin.simulator.graphql.documents import GraphQLOperation
from sequin_admin.simulator.rows.collection import Fields


@dataclass(frozen=True)
class SelectedField:
    """A field with its arguments; `key` is its name in the answer, `kind` the name of its type."""

    key: str
    name: str
    kind: str
    is_leaf: bool
    arguments: Fields
    children: list["SelectedField"]

    @property
    def is_connection(self) -> bool:
        return self.kind.endswith("Connection")

    def page_size(self, usual: int) -> int:
        """The number of rows that a connection is asked for."""
        size = self.arguments.get("first") or self.arguments.get("last")
        return size if isinstance(size, int) and size > 0 else usual


def select(operation: GraphQLOperation) -> list[SelectedField]:
    root = operation.schema.get_root_type(operation.node.operation)
    return list(Selector(operation).walk(operation.node.selection_set, root))


class Selector:
    """Walks a document, with fragments where they are spread."""

    def __init__(self, operation: GraphQLOperation) -> None:
        self.operation = operation
        found = operation.document.definitions
        self.fragments = {d.name.value: d for d in found if isinstance(d, FragmentDefinitionNode)}

    def walk(
        self, chosen: SelectionSetNode, kind: GraphQLNamedType | None
    ) -> Iterator[SelectedField]:
        for node in chosen.selections:
            if isinstance(node, FieldNode):
                yield from self._field(node, kind)
                continue
            part: SelectionNode | FragmentDefinitionNode = node
            if isinstance(node, FragmentSpreadNode):
                part = self.fragments[node.name.value]
            if isinstance(part, InlineFragmentNode | FragmentDefinitionNode):
                on = part.type_condition
                inner = self.operation.schema.get_type(on.name.value) if on else kind
                yield from self.walk(part.selection_set, inner)

    def _field(self, node: FieldNode, kind: GraphQLNamedType | None) -> Iterator[SelectedField]:
        """Nothing for `__typename` and introspection, which cost nothing."""
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return
        field = kind.fields.get(node.name.value)
        if field is None:
            return
        of = get_named_type(field.type)
        yield SelectedField(
            key=node.alias.value if node.alias else node.name.value,
            name=node.name.value,
            kind=of.name,
            is_leaf=is_leaf_type(of),
            arguments=get_argument_values(field, node, self.operation.values),
            children=list(self.walk(node.selection_set, of)) if node.selection_set else [],
        )
