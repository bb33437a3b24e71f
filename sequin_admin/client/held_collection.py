"""The collections of a run."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class HeldCollection:
    """A collection to read, from `cursor` on; None: from its beginning.

    In a resync `generation` is filled beside `swap_from`, which readers see. Report how many rows
    it has and how many it lacks, and if `may_delete()`, swap both in one transaction and report
    that the collection is completed.
    """

    collection_id: str
    name: str
    cursor: Any
    generation: int
    swap_from: int | None

    @property
    def resync(self) -> bool:
        return self.swap_from is not None

    @classmethod
    def of(cls, shown: dict[str, Any]) -> Self:
        return cls(**{name: shown[name] for name in cls.__dataclass_fields__})
