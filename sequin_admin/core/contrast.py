"""The contrast of two colours, as https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio has it. Pure."""

import re

LEAST = 4.5
HEX = re.compile(r"#[0-9a-f]{6}")
WHITE, BLACK = "#ffffff", "#000000"


def is_colour(text: str) -> bool:
    """Whether it is `#rrggbb` in lower case. Nothing else gets into a style sheet."""
    return HEX.fullmatch(text) is not None


def luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def text_colour_on(ground: str) -> str:
    """White or nearly black, whichever is easier to read. One of them always has 4.5:1."""
    return max(WHITE, BLACK, key=lambda text: contrast(text, ground))
