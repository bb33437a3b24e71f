"""Strict parsing of request bodies."""

from typing import Any, cast

from django.http import HttpRequest
from ninja.parser import Parser

from sequin_admin.core.strict_json import read_json


class StrictParser(Parser):
    """Ninja's parser of bodies, with 400 for what `read_json` refuses."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        return cast(dict[str, Any], read_json(request.body))
