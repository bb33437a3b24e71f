"""What GitHub says of installations of the app."""

import re
from datetime import datetime
from typing import Any

from sequin_admin.core import clock
from sequin_admin.core.http import Response

PAGE_ROWS = "100"  # the most that GitHub gives
NEXT_PAGE = re.compile(r'<[^>]*[?&]page=([0-9]{1,9})[^>]*>;\s*rel="next"')


def seconds_until(text: Any) -> float | None:
    """Seconds until a time as GitHub writes it; None when it is none."""
    try:
        return (datetime.fromisoformat(text) - clock.now()).total_seconds()
    except (TypeError, ValueError):
        return None


def number_of_next_page(page: Response) -> str:
    """The `page` of the link to the next one (RFC 8288); empty on the last page."""
    link = NEXT_PAGE.search(page.headers.get("link", ""))
    return link[1] if link else ""


def account_of(installation: dict[str, Any]) -> dict[str, Any]:
    """The account's properties. An enterprise has a slug instead of a login, and no type;
    it counts as an organization."""
    account = installation["account"]
    type_ = account.get("type", "Enterprise")
    return {
        "account_login": account["login"] if "login" in account else account["slug"],
        "account_type": "Organization" if type_ == "Enterprise" else type_,
    }
