"""Figures of a benchmark for people, and runs kept in a file to compare with."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
COLUMNS = ("requests_per_s", "median_ms", "p99_ms", "p99_to_median", "cpu_ms", "share", "cpu_share")
SHARES = ("share", "cpu_share", "share_of_two_bare_trips")


def flatten(figures: Figures, path: str = "") -> Iterator[tuple[str, object]]:
    """Every figure by its path: `api_get.share`."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def table(figures: Figures) -> str:
    """Operations with their figures, a line each; then the other figures."""
    operations = {n: v for n, v in figures.items() if isinstance(v, dict) and COLUMNS[0] in v}
    others = {name: value for name, value in figures.items() if name not in operations}
    wide = max(map(len, ["", *operations, *(path for path, _ in flatten(others))]))
    lines = ["  ".join((" " * wide, *COLUMNS))] if operations else []
    for name, row in operations.items():
        cells = (str(row.get(column, "-")).rjust(len(column)) for column in COLUMNS)
        lines.append("  ".join((name.ljust(wide), *cells)))
    lines += [f"{path.ljust(wide)}  {value}" for path, value in flatten(others)]
    return "\n".join(lines)


def save(file: Path, figures: Figures) -> str:
    """Append the run to the file, a line of JSON each, and compare its shares with those of the
    last run in it. Raises `OSError`, and `ValueError` for a file of something else."""
    lines = file.read_text().splitlines() if file.exists() else []
    before = dict(flatten(json.loads(lines[-1])["figures"])) if lines else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with file.open("a") as runs:
        runs.write(json.dumps({"at": at, "figures": figures}) + "\n")
    compared = [
        f"{path}: {before[path]} before, {now} now"
        for path, now in flatten(figures)
        if path.rpartition(".")[2] in SHARES and path in before
    ]
    return "\n".join(compared or ["There is no earlier run to compare with."])
