"""Ids of the simulated Linear: all are UUIDs."""

from functools import lru_cache
from uuid import NAMESPACE_URL, uuid5

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.rows.ids import tag_of


class UuidIds:
    """Ids of one kind: the account's tag and the number of the row."""

    def __init__(self, kind: int) -> None:
        self.kind = kind

    def id_of(self, account: SimulatedAccount, number: int) -> str:
        return f"{tag_of(account, 8)}-{self.kind:04x}-4000-8000-{number:012x}"

    def number_of(self, account: SimulatedAccount, text: str) -> int | None:
        try:
            number = int(text.rpartition("-")[2], 16)
        except ValueError:
            return None
        return number if self.id_of(account, number) == text else None


def fixed_id(account: SimulatedAccount, *names: str) -> str:
    """The id of what does not change, such as a team."""
    return uuid_of("/".join((account.external_id, *names)))


@lru_cache(maxsize=1000)
def uuid_of(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))
