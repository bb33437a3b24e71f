"""Filters of the simulated Linear's lists. https://linear.app/developers/filtering"""

import re
from collections.abc import Callable
from datetime import timedelta

from sequin_admin.simulator.models import now
from sequin_admin.simulator.rows.collection import Fields, iso_millis, parse_time, to_ms
from sequin_admin.simulator.rows.statements import compare

SIGNS = {"eq": "=", "neq": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
# By the end of their names; a name that begins with `not` says the opposite.
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
DURATION = re.compile(
    r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
SECONDS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)


def matches(condition: Fields, row: Fields) -> bool:
    return all(fits(name, wanted, row) for name, wanted in condition.items() if wanted is not None)


def fits(name: str, wanted: list[Fields] | Fields, row: Fields) -> bool:
    if isinstance(wanted, list):
        return (any if name == "or" else all)(matches(one, row) for one in wanted)
    if name == "labels":
        return fits_labels(wanted, row["labelNodes"])
    value = row.get(name)
    if "null" in wanted and wanted["null"] is not (value is None):
        return False
    rest = {n: w for n, w in wanted.items() if n != "null"}
    if isinstance(value, dict):
        return matches(rest, value)
    return all(passes(value, sign, operand) for sign, operand in rest.items())


def fits_labels(wanted: Fields, labels: list[Fields]) -> bool:
    """`every`, `some` and `length`; any other condition is one of some label."""
    rest = {n: w for n, w in wanted.items() if n not in ("every", "some", "length")}
    every, some, length = (wanted.get(name) or {} for name in ("every", "some", "length"))
    return (
        all(matches(every, label) for label in labels)
        and all(any(matches(one, label) for label in labels) for one in (some, rest) if one)
        and all(passes(float(len(labels)), sign, number) for sign, number in length.items())
    )


def passes(value: object, sign: str, operand: object) -> bool:
    """One comparator. What is null is not equal to anything, and else passes none."""
    if sign in ("in", "nin"):
        among = isinstance(operand, list) and any(passes(value, "eq", one) for one in operand)
        return among == (sign == "in")
    if value is None:
        return sign == "neq" or sign.startswith("not")
    if sign in SIGNS:
        exact = isinstance(value, str) and sign in ("eq", "neq") and parse_time(value) is None
        if exact:
            return (value == operand) == (sign == "eq")
        return compare(SIGNS[sign], value, moment(operand))
    return passes_text(str(value), sign, str(operand))


def passes_text(value: str, sign: str, operand: str) -> bool:
    name = sign.lower()
    if "ignorecase" in name:
        name, value, operand = name.partition("ignorecase")[0], value.lower(), operand.lower()
    if name in ("eq", "neq"):
        return (value == operand) == (name == "eq")
    wanted = not name.startswith("not")
    return TEXTS[name.removeprefix("not")](value, operand) == wanted


def moment(operand: object) -> object:
    """A duration (ISO 8601) as the time that is so far from now."""
    found = DURATION.fullmatch(operand) if isinstance(operand, str) else None
    if found is None:
        return operand
    parts = zip(found.groups()[1:], SECONDS, strict=True)
    passed = timedelta(seconds=sum(int(n or 0) * each for n, each in parts))
    return iso_millis(to_ms(now() - passed if found[1] else now() + passed))


def changed_since(condition: Fields) -> int:
    """What fits did not change before this moment (ms)."""
    wanted = condition.get("updatedAt") or {}
    told = [parse_time(str(moment(wanted[n]))) for n in ("gte", "gt", "eq") if wanted.get(n)]
    inner = [changed_since(one) for one in condition.get("and") or ()]
    return max([0, *inner, *(at_ms for at_ms in told if at_ms is not None)])
