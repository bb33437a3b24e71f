"""Encryption to public keys in the age format (https://age-encryption.org/v1).

Compatible with the program `age`: `age -d -i key.txt` decrypts what is encrypted here.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from sequin_admin.command_line.endings import Misused

BINARY, ARMORED = b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----"


def recipients(given: Sequence[str], file: Path | None) -> list[Any]:
    """Public keys, from options and from a file with one per line. Raises `Misused`."""
    lines = [*given, *(lines_of(file) if file else ())]
    return [recipient(line, number) for number, line in enumerate(lines, start=1)]


def recipient(text: str, number: int) -> Any:
    """A public key of age or SSH. Raises `Misused`."""
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError):
        # Not quoted: somebody may give the secret half of a key by mistake.
        raise Misused(
            f"Recipient {number} is no public key. It looks like age1..., from age-keygen, or like "
            "ssh-ed25519 ..., from ssh-keygen."
        ) from None


def identities(file: Path) -> list[Any]:
    """Private keys, from age-keygen or ssh-keygen. Raises `Misused`."""
    try:
        data = file.read_bytes()
        if data.startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(data)]
        return [pyrage.x25519.Identity.from_str(line) for line in lines_of(file)]
    except (OSError, ValueError, pyrage.IdentityError):
        raise Misused(
            f"{file} holds no private key that can be used: one from age-keygen, or an SSH key "
            "without a passphrase."
        ) from None


def lines_of(file: Path) -> list[str]:
    """The lines of a file without comments. Raises `Misused`."""
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, ValueError):
        raise Misused(f"{file} can't be read.") from None
    return [line for line in lines if line and not line.startswith("#")]


def is_sealed(data: bytes) -> bool:
    return data.startswith((BINARY, ARMORED))


def unsealed(data: bytes, file: Path | None) -> bytes:
    """The decrypted data; plain data is returned as it is. Raises `Misused`."""
    if not is_sealed(data):
        return data
    if file is None:
        raise Misused("The file is encrypted. Give the private key that opens it: --identity FILE.")
    try:
        opened: bytes = pyrage.decrypt(data, identities(file))
    except pyrage.DecryptError:
        raise Misused(f"{file} does not open this file, or the file is damaged.") from None
    return opened


def seal(chunks: Iterable[bytes], out: BinaryIO, keys: list[Any], *, armored: bool) -> None:
    """Encrypt a stream: neither memory nor disk ever holds all of the plain text."""
    source = Chunks(chunks)
    try:
        pyrage.encrypt_io(source, out, keys, armored=armored)
    except Exception as error:
        # The library replaces every error of the source by one of its own.
        raise (source.failure or error) from None


class Chunks(io.RawIOBase):
    """File object over an iterator of bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks: Iterator[bytes] = iter(chunks)
        self.rest = b""
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            while (not self.rest or size < 0) and (chunk := next(self.chunks, None)) is not None:
                self.rest += chunk
        except BaseException as failure:
            self.failure = failure
            raise
        end = len(self.rest) if size < 0 else size
        taken, self.rest = self.rest[:end], self.rest[end:]
        return taken
