"""`truncate_secrets=false`: secrets in plain text, for keys with the scope, always audited."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from django.db import transaction
from django.http import HttpResponse
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.pagination import QueryParams
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.monitored import Monitored

Row = TypeVar("Row", bound=Monitored)
Unreadable = Annotated[
    dict[str, str],
    Field(
        description="Only with truncate_secrets=false: by id, why secrets could not be opened. "
        "Those rows are masked."
    ),
]


class RevealFilter(QueryParams):
    """Query parameters of resources with secrets."""

    truncate_secrets: bool = Field(
        default=True,
        description="false shows them in plain text. It takes the scope `secrets`, and each "
        "reading is written into the audit log.",
    )
    purpose: str = Field(
        default="", max_length=200, description="What they are read for, for the audit log."
    )

    def permit_reveal(self, request: ApiRequest, response: HttpResponse) -> None:
        """Raises 403 without the scope; the response is not cached."""
        require_scope(request, Scope.SECRETS)
        response["Cache-Control"] = "no-store"


@transaction.atomic
def revealed_list_out(
    rows: Iterable[Row],
    serialize: Callable[..., dict[str, Any]],
    reveal: Callable[[Row], dict[str, str]],
) -> dict[str, Any]:
    """With secrets. A row that no key of ours opens stays masked, and `unreadable` says why: it
    must not hide the others."""
    data, unreadable = [], {}
    for row in rows:
        try:
            data.append(serialize(row, secrets=reveal(row)))
        except DecryptionError as error:
            data.append(serialize(row))
            unreadable[str(row.pk)] = str(error)
    return {"data": data, **({"unreadable": unreadable} if unreadable else {})}
