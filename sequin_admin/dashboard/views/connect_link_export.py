"""The export of connect links as CSV."""

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.csv_export import csv_line
from sequin_admin.dashboard.fresh_login import fresh_login_required
from sequin_admin.dashboard.listing import get_query_param, parse_uuids
from sequin_admin.dashboard.views.connect_links import filter_by_batch, owned_links

CSV_ROWS = 500


@never_cache
@require_GET
@may(Action.EDIT)
@fresh_login_required
def as_csv(request: Request) -> HttpResponse:
    """The links of a batch, or all open ones, as CSV for a mail merge. Audited."""
    batch = get_query_param(request, "batch")
    rows = (
        filter_by_batch(owned_links(request), batch)
        if batch
        else owned_links(request).open(clock.now())
    )
    listed = rows.select_related("reconnects", "credential").order_by("created_at", "id")
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="connect-links.csv"'
    response.write(csv_line(COLUMNS))
    for link in listed.iterator(chunk_size=CSV_ROWS):
        response.write(csv_line(build_csv_row(link)))
    wanted = next(iter(parse_uuids([batch])), None)
    links.record_exported(request.organization, actor=actor_of(request), batch=wanted)
    return response


COLUMNS = ("link", "name", "provider", "account", "credential_id", "state", "expires_at", "failure")


def build_csv_row(link: ConnectLink) -> tuple[object, ...]:
    credential = link.reconnects or link.credential
    return (
        links.address(link),
        link.name,
        link.provider_title,
        credential.describe() if credential else "",
        credential.pk if credential else "",
        link.state.value,
        link.expires_at,
        link.failure,
    )
