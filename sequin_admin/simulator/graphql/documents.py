"""A GraphQL request: read from a body, parsed, validated and executed."""

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values

from sequin_admin.simulator.graphql.values import resolve
from sequin_admin.simulator.rows.collection import Fields


class GraphQLRefusal(Exception):
    """A document that is not executed. `stage` is `parse`, `validate` or `variables`."""

    def __init__(self, stage: str, errors: list[GraphQLError]) -> None:
        super().__init__(stage)
        self.stage, self.errors = stage, errors


@dataclass(frozen=True)
class GraphQLOperation:
    """The operation of a valid document that a request asks for."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    values: VariableValues
    variables: Fields

    @property
    def is_mutation(self) -> bool:
        return self.node.operation == OperationType.MUTATION


@cache
def load_schema(path: Path) -> GraphQLSchema:
    return build_schema(path.read_text())


def parse_body(body: bytes) -> Fields | None:
    """The JSON object of a request, which has a text `query`; None if it is none."""
    try:
        known = json.loads(body)
    except ValueError:
        return None
    return known if isinstance(known, dict) and isinstance(known.get("query"), str) else None


@lru_cache(maxsize=100)
def parse_valid(schema: GraphQLSchema, query: str) -> DocumentNode:
    """A client sends the same document again and again. Raises `GraphQLRefusal`."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        raise GraphQLRefusal("parse", [error]) from error
    errors = validate(schema, document)
    if errors:
        raise GraphQLRefusal("validate", errors)
    return document


def prepare(schema: GraphQLSchema, asked: Fields) -> GraphQLOperation:
    """Raises `GraphQLRefusal`."""
    document = parse_valid(schema, asked["query"])
    name = asked.get("operationName") or None
    node = get_operation_ast(document, name if isinstance(name, str) else None)
    if node is None:
        raise GraphQLRefusal("validate", [GraphQLError("No operation of that name was found.")])
    variables = asked.get("variables") or {}
    if not isinstance(variables, dict):
        raise GraphQLRefusal("variables", [GraphQLError("Variables must be an object.")])
    values = get_variable_values(schema, node.variable_definitions or (), variables)
    if isinstance(values, list):
        raise GraphQLRefusal("variables", values)
    return GraphQLOperation(schema, document, node, values, variables)


def run(operation: GraphQLOperation, root: Fields) -> ExecutionResult:
    """A field is a member of the value around it, and a callable is called with its arguments."""
    name = operation.node.name
    return execute_sync(
        operation.schema,
        operation.document,
        root,
        variable_values=operation.variables,
        operation_name=name.value if name else None,
        field_resolver=resolve,
    )
