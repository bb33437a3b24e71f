"""Responses of providers for tests of classifiers."""

import json
from typing import Any

from sequin_admin.core.http import Response


def answer(status: int, body: Any = "", **headers: str) -> Response:
    """A response with a JSON or text body. The header `retry_after` becomes `retry-after`."""
    content = body if isinstance(body, str) else json.dumps(body)
    lowered = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, lowered, content.encode())
