"""The tags of `{% load heroicons %}`. An icon is drawn once a process: that copies and writes its
XML, and a list shows hundreds."""

from functools import cache

from django import template
from django.utils.safestring import SafeString
from heroicons.templatetags import heroicons

register = template.Library()
PIXELS = {"micro": 16, "mini": 20, "outline": 24, "solid": 24}


@cache
def draw_icon(style: str, name: str, size: int) -> SafeString:
    """The icon as SVG. Raises `heroicons.IconDoesNotExist`."""
    return SafeString(getattr(heroicons, f"heroicon_{style}")(name, size=size))


def add_tag(style: str) -> None:
    @register.simple_tag(name=f"heroicon_{style}")
    def draw(name: str, size: int = PIXELS[style]) -> SafeString:
        return draw_icon(style, name, size)


for each in PIXELS:
    add_tag(each)
