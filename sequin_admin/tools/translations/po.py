"""Reads and writes `.po` files, in the small part of their format that ours use."""

import ast
import re
from collections.abc import Mapping

HEADER = (
    "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n"
    "Language: {language}\n"
)


def read_po(text: str) -> dict[str, str]:
    """Translations by msgid; "" for one that is missing or fuzzy. Raises `ValueError` for an entry
    of another form."""
    found = {}
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line for line in block.splitlines() if line]
        is_fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in lines)
        plain = "\n".join(line for line in lines if not line.startswith("#"))
        match = re.fullmatch(r"msgid (.*?)\nmsgstr (.*)", plain, re.DOTALL)
        if not match:
            raise ValueError(f"Not an entry: {block[:80]}")
        msgid, translated = (unquoted(part) for part in match.groups())
        found[msgid] = "" if is_fuzzy else translated
    return found


def unquoted(written: str) -> str:
    return "".join(ast.literal_eval(line) for line in written.splitlines())


def write_po(language: str, sources: Mapping[str, list[str]], known: Mapping[str, str]) -> str:
    """Entries in the order of their sources, each with what `known` has for it."""
    blocks = [f'msgid ""\nmsgstr {quoted(HEADER.format(language=language))}']
    for msgid, places in sorted(sources.items(), key=lambda item: (min(item[1]), item[0])):
        comment = "\n".join(f"#: {place}" for place in sorted(places)[:3])
        blocks.append(f"{comment}\nmsgid {quoted(msgid)}\nmsgstr {quoted(known.get(msgid, ''))}")
    return "\n\n".join(blocks) + "\n"


def quoted(text: str) -> str:
    """One line of the file for each line of the text."""
    lines = text.splitlines(keepends=True) or [""]
    written = [
        '"' + line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        for line in lines
    ]
    return written[0] if len(written) == 1 else '""\n' + "\n".join(written)
