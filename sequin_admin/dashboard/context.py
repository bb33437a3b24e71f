"""What every page's template knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    return {"simulator_url": settings.SIMULATOR_URL}
