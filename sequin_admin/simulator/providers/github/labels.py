"""Labels of the simulated GitHub's issues."""

import zlib
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.providers.github.common import api_error

LABELS = {"bug": "d73a4a", "documentation": "0075ca", "question": "d876e3"}


@lru_cache(maxsize=1000)
def label_json(repository: str, name: str) -> dict[str, Any]:
    """A label; one that is not there yet is made, in grey."""
    place = tuple(LABELS).index(name) + 1 if name in LABELS else zlib.crc32(name.encode())
    return {
        "id": place,
        "node_id": f"LA_{place}",
        "url": f"{repository}/labels/{quote(name)}",
        "name": name,
        "description": None,
        "color": LABELS.get(name, "ededed"),
        "default": name in LABELS,
    }


def parse_labels(given: object) -> list[str]:
    """Names, each as a text or in an object. Raises `SimulatedResponse` (422)."""
    names = [one.get("name") if isinstance(one, dict) else one for one in list_of(given)]
    if not all(isinstance(name, str) and name for name in names):
        raise SimulatedResponse(api_error(422, "Validation Failed: labels"))
    return [str(name) for name in names]


def list_of(given: object) -> list[object]:
    return given if isinstance(given, list) else [None]
