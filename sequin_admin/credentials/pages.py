"""Reading of lists that come in pages. Every list has an end, whatever the provider says."""

import time
from collections.abc import Callable, Iterator

from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Refused

MOST_PAGES = 1000
# Shorter than the claim of whoever reads (`syncs.catalogue.CLAIM`).
LONGEST_READING_S = 240.0


class PagedReader:
    """Reads lists of one provider until the pages or the time of this reader are used up."""

    def __init__(self, provider: str) -> None:
        self.provider, self.left = provider, MOST_PAGES
        self.ends = time.monotonic() + LONGEST_READING_S

    def pages(
        self, read: Callable[[str], Response], next_of: Callable[[Response], str]
    ) -> Iterator[Response]:
        """Each page. `read(marker)` reads one, the first with an empty marker; `next_of(page)` is
        the marker of the following one, empty after the last. Raises `Refused`."""
        marker, seen = "", set[str]()
        while marker not in seen:
            if self.left == 0 or time.monotonic() > self.ends:
                raise Refused(outcomes.too_many_pages(self.provider))
            self.left -= 1
            seen.add(marker)
            page = read(marker)
            yield page
            marker = next_of(page)
            if not marker:
                return
        raise Refused(outcomes.unexpected_answer(self.provider, page))
