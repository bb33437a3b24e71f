"""`truncate_secrets=false`: secrets in plain text, for keys that may, and never unaudited."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, allow
from sequin_admin.api.framework.pagination import Known
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials.models import Monitored


class RevealFilter(Known):
    """Query parameters of what holds secrets."""

    truncate_secrets: bool = Field(
        default=True,
        description="false shows them in plain text. It takes the scope `secrets`, and each "
        "reading is written into the audit log.",
    )
    purpose: str = Field(
        default="", max_length=200, description="What they are read for, for the audit log."
    )

    def unmasks(self, request: ApiRequest, response: HttpResponse) -> bool:
        """Whether to show secrets. Raises 403 when the key must not; the answer is not stored."""
        if self.truncate_secrets:
            return False
        allow(request, Scope.SECRETS)
        response["Cache-Control"] = "no-store"
        return True


def listed(
    rows: Iterable[Monitored],
    shown: Callable[..., dict[str, Any]],
    reveal: Callable[[Any], dict[str, str]] | None,
) -> dict[str, Any]:
    """`data`, with secrets if they may be revealed."""
    if reveal is None:
        return {"data": [shown(row) for row in rows]}
    return revealed(rows, shown, reveal)


@transaction.atomic
def revealed(
    rows: Iterable[Monitored],
    shown: Callable[..., dict[str, Any]],
    reveal: Callable[[Any], dict[str, str]],
) -> dict[str, Any]:
    """With secrets. A row that no key of ours opens stays masked, and `unreadable` says why: it
    must not hide the others."""
    data, unreadable = [], {}
    for row in rows:
        try:
            data.append(shown(row, secrets=reveal(row)))
        except DecryptionError as error:
            data.append(shown(row))
            unreadable[str(row.pk)] = str(error)
    return {"data": data, **({"unreadable": unreadable} if unreadable else {})}
