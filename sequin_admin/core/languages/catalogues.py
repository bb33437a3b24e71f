"""The catalogues of translations: `.mo` files of GNU gettext, in `core/locale`."""

import struct
from collections.abc import Mapping
from pathlib import Path

LOCALE = Path(__file__).parents[1] / "locale"
# https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
MAGIC, HEADER_BYTES = 0x950412DE, 28


def path_of(language: str, suffix: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"django.{suffix}"


def read_mo(data: bytes) -> dict[str, str]:
    """The translations by msgid, with the header at ""."""
    _, _, count, ids, texts, _, _ = struct.unpack_from("<7I", data)

    def text_at(table: int, number: int) -> str:
        length, start = struct.unpack_from("<2I", data, table + 8 * number)
        return data[start : start + length].decode()

    return {text_at(ids, number): text_at(texts, number) for number in range(count)}


def build_mo(messages: Mapping[str, str]) -> bytes:
    """A file that says the same for the same messages, to the byte."""
    pairs = sorted((msgid.encode(), text.encode()) for msgid, text in messages.items())
    ids_at = HEADER_BYTES
    texts_at = ids_at + 8 * len(pairs)
    start = texts_at + 8 * len(pairs)
    tables, contents = list[bytes](), list[bytes]()
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<2I", len(pair[column]), start))
            contents.append(pair[column] + b"\0")
            start += len(pair[column]) + 1
    header = struct.pack("<7I", MAGIC, 0, len(pairs), ids_at, texts_at, 0, start)
    return header + b"".join(tables) + b"".join(contents)
