"""The value of a field in an answer."""

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLString,
    default_field_resolver,
    is_list_type,
)

ZEROS = {
    GraphQLBoolean.name: False,
    GraphQLInt.name: 0,
    GraphQLFloat.name: 0.0,
    GraphQLString.name: "",
    "JSONObject": {},
}


def resolve(source: object, info: GraphQLResolveInfo[None], **arguments: object) -> object:
    """What a row does not have is null, or where that may not be, nothing of its type."""
    value = default_field_resolver(source, info, **arguments)
    return empty_value(info.return_type) if value is None else value


def empty_value(kind: GraphQLOutputType) -> object:
    if not isinstance(kind, GraphQLNonNull):
        return None
    inner = kind.of_type
    if is_list_type(inner):
        return []
    if isinstance(inner, GraphQLObjectType) and not inner.interfaces:
        return {}
    if isinstance(inner, GraphQLEnumType):
        return next(iter(inner.values.values())).value
    return ZEROS.get(str(inner))
