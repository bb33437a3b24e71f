"""Values of rows: drawn by number and version, the same whenever they are asked for."""

from collections.abc import Sequence
from typing import TypeVar

from sequin_admin.simulator.rows.hashing import hash_at

T = TypeVar("T")

FIRST_NAMES = (
    *("Paul", "Jessica", "Leto", "Duncan", "Gurney", "Chani", "Stilgar", "Alia", "Irulan"),
    *("Thufir", "Wellington", "Liet", "Harah", "Jamis", "Ramallo", "Otheym", "Korba", "Shadout"),
    *("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Ken", "Radia", "Niklaus"),
)
LAST_NAMES = (
    *("Atreides", "Idaho", "Halleck", "Hawat", "Kynes", "Yueh", "Mapes", "Fenring", "Corrino"),
    *("Lovelace", "Hopper", "Turing", "Liskov", "Knuth", "Allen", "Thompson", "Perlman", "Wirth"),
    *("Okafor", "Nakamura", "Silva", "Novak", "Haddad", "Jansen", "Larsen", "Moreau", "Rossi"),
)
COMPANIES = ("Spice", "Sietch", "Guild", "Carthag", "Caladan", "Tleilax", "Ix", "Richese", "Ecaz")
BRANCHES = ("Trading", "Freight", "Foundry", "Textiles", "Software", "Water", "Optics", "Minerals")
SUBJECTS = ("invoice", "harvester", "carryall", "stillsuit", "shield", "thopper", "beacon", "pump")
TROUBLES = ("is late", "leaks", "does not start", "shows a wrong total", "needs a spare part")
PLACES = (("Arrakeen", "AR"), ("Carthag", "CA"), ("Tabr", "TB"), ("Tuono", "TU"), ("Windgap", "WG"))


class Draw:
    """Draws in the order in which they are asked for. What `pick` and `between` draw stays for
    the life of a row; with `changing`, it is drawn again at each change."""

    def __init__(self, key: bytes, number: int, version: int) -> None:
        self.number, self.version = number, version
        self._lasting, self._changing = hash_at(key, number, 48), hash_at(key, -2 - version, 48)

    def between(self, low: int, high: int, *, changing: bool = False) -> int:
        """A whole number from `low` to `high`, both included."""
        if changing:
            self._changing, found = divmod(self._changing, high - low + 1)
        else:
            self._lasting, found = divmod(self._lasting, high - low + 1)
        return low + found

    def pick(self, options: Sequence[T], *, changing: bool = False) -> T:
        if changing:
            self._changing, found = divmod(self._changing, len(options))
        else:
            self._lasting, found = divmod(self._lasting, len(options))
        return options[found]

    def person(self) -> tuple[str, str, str]:
        """First name, last name and an e-mail address that no other row has."""
        first, last = self.pick(FIRST_NAMES), self.pick(LAST_NAMES)
        return first, last, f"{first}.{last}.{self.number}@example.com".lower()

    def company(self) -> str:
        return f"{self.pick(COMPANIES)} {self.pick(BRANCHES)} {self.number}"

    def phone(self) -> str:
        digits = self.between(1_000_000, 9_999_999, changing=True)
        return f"+1 555 {digits // 10_000} {digits % 10_000:04d}"

    def matter(self) -> str:
        """What a ticket is about."""
        return f"The {self.pick(SUBJECTS)} {self.pick(TROUBLES)}"
