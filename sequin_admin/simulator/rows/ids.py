"""Ids of rows: as the provider's look, and a number again without a look-up."""

from functools import lru_cache
from hashlib import blake2b

from sequin_admin.simulator.models import SimulatedAccount

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


PAIRS = [one + other for one in DIGITS for other in DIGITS]


def tag_of(account: SimulatedAccount, length: int = 6) -> str:
    """Letters and digits that differ from account to account."""
    return digest_of(account.external_id)[:length]


@lru_cache(maxsize=1_000)
def digest_of(external_id: str) -> str:
    return blake2b(external_id.encode(), digest_size=16).hexdigest()


def to_base36(number: int, width: int) -> str:
    """In at least `width` digits."""
    text = ""
    while number:
        number, pair = divmod(number, 1296)
        text = PAIRS[pair] + text
    return text.lstrip("0").rjust(width, "0")


def parse_base36(text: str) -> int | None:
    return (
        int(text, 36)
        if text.isascii() and text.isalnum() and text.islower() | text.isdigit()
        else None
    )


class TaggedIds:
    """Ids of a prefix, the account's tag, and the number in `width` digits."""

    def __init__(self, prefix: str, width: int = 8) -> None:
        self.prefix, self.width = prefix, width

    def id_of(self, account: SimulatedAccount, number: int) -> str:
        return f"{self.prefix}{tag_of(account)}{to_base36(number, self.width)}"

    def number_of(self, account: SimulatedAccount, text: str) -> int | None:
        start = f"{self.prefix}{tag_of(account)}"
        number = parse_base36(text[len(start) :]) if text.startswith(start) else None
        return number if number is not None and self.id_of(account, number) == text else None


class PlainIds:
    """Ids that are whole numbers from 1 on."""

    @staticmethod
    def id_of(number: int) -> str:
        return str(number + 1)

    @staticmethod
    def number_of(text: str) -> int | None:
        plain = text.isascii() and text.isdigit() and len(text) < 16 and not text.startswith("0")
        return int(text) - 1 if plain else None


def plain_id_of(account: SimulatedAccount, number: int) -> str:
    return PlainIds.id_of(number)


def plain_number_of(account: SimulatedAccount, text: str) -> int | None:
    return PlainIds.number_of(text)
