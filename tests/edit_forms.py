"""Posts edit forms as a browser does that opened the page before."""

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client


def seen_in(page: str) -> str:
    """The digests of a page's form, or of the first of several in this part of it."""
    return re.search(r'name="seen" value="([^"]*)"', page)[1]


def submit(
    client: Client, path: str, data: dict[str, Any], *, page: str = "", **options: Any
) -> HttpResponse:
    """Open the form, on `page` if it is on another one than `path`, and post `data` to it."""
    opened = client.get(page or path).content.decode()
    if page:
        opened = opened[opened.index(f'action="{path}"') :]
    return client.post(path, {**data, "seen": seen_in(opened)}, **options)
