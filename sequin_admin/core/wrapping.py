"""What comes along when a text is copied: white space, unseen marks, quotes, a name before it."""

import re

# Characters that nobody sees and programs add: byte order mark, zero-width, soft hyphen, marks of
# the direction of writing.
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ENDS = re.compile(rf"\A[\s{INVISIBLE}]+|[\s{INVISIBLE}]+\Z")
_INVISIBLE = re.compile(rf"[{INVISIBLE}]")
# Straight quotes, and those that word processors make of them.
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb<>"
_WRAPPING = re.compile(rf"\A[\s{_QUOTES},;]+|[\s{_QUOTES},;]+\Z")
_NAME = r"[A-Za-z][\w.-]*"
_SCHEME = r"(?i:Bearer|Token|Basic)\s+"
# What stands before the name in a shell, in PowerShell and in a Dockerfile.
_SETTING = r"(?:(?:export|set|env|ENV|-e)\s+|\$env:)"
_COMMENT = re.compile(r"(?<=\S)\s+#.*\Z", re.DOTALL)


def trim(text: str) -> str:
    """Without white space, byte order marks and the like at the ends."""
    return _ENDS.sub("", text)


def one_line(text: str) -> str:
    """As the subject of a mail must be: Django refuses one with a line break."""
    return " ".join(text.split())


def unwrapped(text: str, name: str = _NAME) -> str:
    """Without what people copy along with a key, none of which a key begins or ends with: quotes,
    `NAME=value # comment` of the `name` (a pattern), and `Bearer value`."""
    assignment = rf"{_SETTING}?(?:{name})[\"']?\s*[=:]\s*(?=[^=\s])"
    bare = _WRAPPING.sub("", _INVISIBLE.sub("", text))
    value = re.sub(rf"\A{assignment}", "", bare)
    if value != bare:
        value = _COMMENT.sub("", value)
    bare = _WRAPPING.sub("", value)
    return _WRAPPING.sub("", re.sub(rf"\A{_SCHEME}", "", bare))


def words_in(text: str) -> list[str]:
    """The words of a list as people write one: with white space, commas or semicolons between
    them, each in quotes or not, in brackets as JSON has it or not."""
    bare = trim(text)
    if (bare[:1], bare[-1:]) == ("[", "]"):
        bare = bare[1:-1]
    words = (_WRAPPING.sub("", word) for word in re.split(r"[\s,;]+", bare))
    return [word for word in words if word]
