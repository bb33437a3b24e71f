"""Resources of the API: a router of its own, and what the reference page says about its tag."""

from typing import Any

from ninja import Router


class Resource(Router):
    """The operations of one module. `about` describes the `tag`; one module of each tag has it."""

    def __init__(self, tag: str, about: str = "", **options: Any) -> None:
        super().__init__(tags=[tag], **options)
        self.tag, self.about = tag, about
