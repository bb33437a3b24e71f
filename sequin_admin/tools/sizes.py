"""How large and how plain the code is, beside the limits: `python -m sequin_admin.tools.sizes`.

Counts what is ours outside of migrations and tests. Exit code 1 when a figure is over its limit.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

from sequin_admin.tools import repeats
from sequin_admin.tools.annotations import any_types, ignored_types
from sequin_admin.tools.docstrings import undocumented_classes, undocumented_raises
from sequin_admin.tools.lines import letter_lines
from sequin_admin.tools.shapes import shape_runs
from sequin_admin.tools.sources import Function, Source, read_sources

REPOSITORY = Path(__file__).parents[2]
PROVIDERS = Path("sequin_admin/providers")
PLUMBING = {"__init__", "admin", "apps", "models"}


@dataclass(frozen=True)
class Figure:
    """A measured number, the limit it must not pass, and the places that it counts."""

    name: str
    value: float
    limit: float | None
    places: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"  limit {self.limit:g}"
        return f"{' ' if self.is_met else '>'} {self.name:<46} {self.value:>6g}{limit}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the places that are counted")
    parser.add_argument("repository", nargs="?", type=Path, default=REPOSITORY)
    options = parser.parse_args()
    found = figures(options.repository)
    for figure in found:
        print(figure)
        for place in figure.places if options.list else ():
            print(f"      {place}")
    return 0 if all(figure.is_met for figure in found) else 1


def figures(repository: Path = REPOSITORY) -> list[Figure]:
    sources = list(read_sources(repository, "sequin_admin", "*.py"))
    templates = list(read_sources(repository, "templates", "*"))
    bodies = [body_length(function) for source in sources for function in source.functions()]
    modules = [source for source in sources if is_provider_module(source.path)]
    return [
        Figure("Lines of a file, median", median_length(sources), 80),
        counted("Files over 300 lines", 0, long_files(sources)),
        Figure("Lines of a module of a provider, median", median_length(modules), 130),
        Figure("Lines of a provider with its folder, median", provider_length(modules), None),
        Figure("Lines of a function, median", median(bodies), 5),
        Figure("Lines of a function, 90th percentile", quantiles(bodies, n=10)[8], 15),
        counted("`type: ignore`", 29, ignored_types(sources)),
        counted("`Any` beside JSON and Django's signatures", 149, any_types(sources)),
        counted("Public classes without a docstring", 0, undocumented_classes(sources)),
        counted("Functions that raise without a docstring", 0, undocumented_raises(sources)),
        counted("Pairs of 10 equal lines", 0, letter_pairs([*sources, *templates])),
        counted("Pairs of 10 lines of one shape in functions", 0, shape_pairs(sources)),
    ]


def counted(name: str, limit: float, places: Iterable[str]) -> Figure:
    listed = list(places)
    return Figure(name, len(listed), limit, listed)


def body_length(function: Function) -> int:
    """Lines from the first statement or docstring to the last; the signature does not count."""
    return (function.end_lineno or 0) - function.body[0].lineno + 1


def median_length(sources: Iterable[Source]) -> float:
    return median(source.length for source in sources)


def is_provider_module(path: Path) -> bool:
    return path.is_relative_to(PROVIDERS) and path.stem not in PLUMBING


def provider_length(modules: Iterable[Source]) -> float:
    """The median of providers, where a folder counts as one."""
    lengths: Counter[str] = Counter()
    for module in modules:
        lengths[module.path.relative_to(PROVIDERS).parts[0]] += module.length
    return median(lengths.values())


def long_files(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        if source.length > 300:
            yield f"{source.path} ({source.length})"


def letter_pairs(sources: Iterable[Source]) -> Iterator[str]:
    runs = (letter_lines(source.path, source.text) for source in sources)
    return map(str, repeats.find_pairs(runs))


def shape_pairs(sources: Iterable[Source]) -> Iterator[str]:
    runs = (shape_runs(source.path, source.text) for source in sources)
    return map(str, repeats.find_pairs(chain.from_iterable(runs)))


if __name__ == "__main__":
    sys.exit(main())
