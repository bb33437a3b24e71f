"""Points of the simulated Linear's hourly limit. https://linear.app/developers/rate-limiting"""

import math

from django.http import HttpRequest

from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.graphql.documents import GraphQLOperation
from sequin_admin.simulator.graphql.selections import SelectedField, select
from sequin_admin.simulator.limits import PointLimit
from sequin_admin.simulator.providers.linear.common import graphql_error, limit_headers, throttled
from sequin_admin.simulator.providers.linear.queries import USUAL
from sequin_admin.simulator.rows.collection import Fields

MOST_COMPLEX = 10_000
POINTS = PointLimit(most=2_000_000, per_second=2_000_000 / 3_600)


def complexity(fields: list[SelectedField]) -> float:
    """0.1 point for each property, 1 for each object, and a connection's children so often as its
    page has rows."""
    points = 0.0
    for field in fields:
        times = field.page_size(USUAL) if field.is_connection else 1
        points += 0.1 if field.is_leaf else 1 + complexity(field.children) * times
    return points


def count_points(request: HttpRequest, account: str, operation: GraphQLOperation) -> None:
    """Take the operation's points from the hour's. Raises `SimulatedResponse`."""
    points = math.ceil(complexity(select(operation)))
    if points > MOST_COMPLEX:
        message = f"Query too complex: {points} points, {MOST_COMPLEX} are allowed"
        raise SimulatedResponse(graphql_error(400, "invalid input", "INPUT_ERROR", message))
    key, headers = f"linear:{account}:points", state_of(request).response_headers
    left = POINTS.left(key)
    if left < points:
        headers.update(limit_headers("Complexity", POINTS.most, left))
        raise SimulatedResponse(throttled())
    left = POINTS.spend(key, points)
    headers.update({"X-Complexity": str(points), **limit_headers("Complexity", POINTS.most, left)})


def rate_limits(request: HttpRequest) -> Fields:
    """Of the hour, as the headers of this answer tell them."""
    told = state_of(request).response_headers
    limits = [
        {
            "type": name.lower(),
            "period": 3_600_000.0,
            "requestedAmount": float(told["X-Complexity"]) if name == "Complexity" else 1.0,
            "allowedAmount": float(told[f"X-RateLimit-{name}-Limit"]),
            "remainingAmount": float(told[f"X-RateLimit-{name}-Remaining"]),
            "reset": float(told[f"X-RateLimit-{name}-Reset"]),
        }
        for name in ("Requests", "Complexity")
    ]
    return {"kind": "oauthApp", "limits": limits}
