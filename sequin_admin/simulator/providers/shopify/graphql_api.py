"""The simulated Shopify's GraphQL endpoint, limited by what queries cost.

https://shopify.dev/docs/api/usage/limits
"""

import re
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from graphql import GraphQLError

from sequin_admin.simulator.framework import json_page
from sequin_admin.simulator.graphql.documents import (
    GraphQLOperation,
    GraphQLRefusal,
    load_schema,
    parse_body,
    prepare,
    run,
)
from sequin_admin.simulator.graphql.selections import select
from sequin_admin.simulator.limits import PointLimit
from sequin_admin.simulator.models import SimulatedGrant
from sequin_admin.simulator.providers.shopify.api import VERSION, find_grant
from sequin_admin.simulator.providers.shopify.common import SHOP, provider
from sequin_admin.simulator.providers.shopify.costs import cost_of
from sequin_admin.simulator.providers.shopify.queries import mutations, queries
from sequin_admin.simulator.rows.collection import Fields

SCHEMA = Path(__file__).with_name("schema.graphql")
MOST_COST, MUTATION_COST = 1_000, 10
POINTS = PointLimit(most=2_000, per_second=100)
LIMITS = "https://shopify.dev/api/usage/rate-limits"
# graphql-core's messages, with Shopify's codes.
CODES = (
    (r"Cannot query field '(?P<fieldName>\w+)' on type '(?P<typeName>\w+)'", "undefinedField"),
    (
        r"Unknown argument '(?P<argumentName>\w+)' on field '(?P<name>[\w.]+)'",
        "argumentNotAccepted",
    ),
    (r"Field '(?P<fieldName>\w+)' of type '\S+' must have a selection", "selectionMismatch"),
    (r"(?:Field|Argument) '(?P<arguments>[\w.]+)'.* is required", "missingRequiredArguments"),
    (r"Variable '\$(?P<variableName>\w+)'", "variableMismatch"),
)


def refusal_json(error: GraphQLError) -> Fields:
    """An error of the document, with its code where Shopify has one."""
    shown: Fields = {**error.formatted}
    for pattern, code in CODES:
        found = re.match(pattern, error.message)
        if found:
            shown["extensions"] = {"code": code, **found.groupdict()}
            break
    return shown


def cost_json(shop: str, requested: int, actual: int | None) -> Fields:
    status = {
        "maximumAvailable": POINTS.most,
        "currentlyAvailable": int(POINTS.left(bucket_of(shop))),
        "restoreRate": POINTS.per_second,
    }
    costs = {"requestedQueryCost": requested, "actualQueryCost": actual}
    return {"cost": {**costs, "throttleStatus": status}}


def bucket_of(shop: str) -> str:
    return f"shopify:{shop}:points"


def refused(message: str, code: str, **more: object) -> Fields:
    return {"message": message, "extensions": {"code": code, **more}}


@provider.route("POST", SHOP, rf"/admin/api/{VERSION}/graphql\.json")
def graphql(request: HttpRequest, shop: str) -> HttpResponse:
    """All but a body that is no request is answered with 200."""
    grant = find_grant(request, shop)
    if grant.account.has("drop_scope"):
        return JsonResponse({"errors": [refused("Access denied", "ACCESS_DENIED")]})
    asked = parse_body(request.body)
    if asked is None:
        message = {"query": "Required parameter missing or invalid"}
        return JsonResponse({"errors": message}, status=400)
    try:
        operation = prepare(load_schema(SCHEMA), asked)
    except GraphQLRefusal as refusal:
        return JsonResponse({"errors": [refusal_json(one) for one in refusal.errors]})
    return json_page(answer(grant, shop.lower(), operation))


def answer(grant: SimulatedGrant, shop: str, operation: GraphQLOperation) -> Fields:
    """Takes what the query costs, and gives back what was not used of it."""
    fields = select(operation)
    requested = MUTATION_COST * operation.is_mutation + cost_of(fields)
    if requested > MOST_COST:
        message = f"Query cost is {requested}, which exceeds the single query max cost limit"
        more = {"cost": requested, "maxCost": MOST_COST, "documentation": LIMITS}
        told = refused(f"{message} ({MOST_COST}).", "MAX_COST_EXCEEDED", **more)
        return {"errors": [told]}
    if POINTS.left(bucket_of(shop)) < requested:
        told = refused("Throttled", "THROTTLED", documentation=LIMITS)
        return {"errors": [told], "extensions": cost_json(shop, requested, None)}
    result = run(operation, mutations(grant) if operation.is_mutation else queries(grant))
    actual = MUTATION_COST * operation.is_mutation + cost_of(fields, result.data or {})
    POINTS.spend(bucket_of(shop), actual)
    errors = {"errors": [one.formatted for one in result.errors]} if result.errors else {}
    return {**errors, "data": result.data, "extensions": cost_json(shop, requested, actual)}
