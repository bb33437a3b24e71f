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


def trim(text: str) -> str:
    """Without white space, byte order marks and the like at the ends."""
    return _ENDS.sub("", text)


def unwrapped(text: str, name: str = _NAME) -> str:
    """Without what people copy along with a key, none of which a key begins or ends with: quotes,
    `NAME=value` of the `name` (a pattern), and `Bearer value`."""
    assignment = rf"(?:(?:export|set)\s+)?(?:{name})[\"']?\s*[=:]\s*(?=[^=\s])"
    bare = _WRAPPING.sub("", _INVISIBLE.sub("", text))
    for prefix in (assignment, _SCHEME):
        bare = _WRAPPING.sub("", re.sub(rf"\A{prefix}", "", bare))
    return bare
