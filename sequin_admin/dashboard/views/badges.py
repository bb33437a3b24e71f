"""The endpoint that a page polls to keep its parts up to date, and the badges among them."""

from collections.abc import Iterator, Sequence
from functools import partial

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET

from sequin_admin.access.models import OwnedQuerySet
from sequin_admin.access.policy import Action
from sequin_admin.core.monitored import Monitored
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.templatetags.ui import badge_part
from sequin_admin.health.entities import deferred_columns, monitored_models

STOP_POLLING = 286  # https://htmx.org/docs/#polling
# The ETag is the tokens of all parts. No comma: that stands between ETags.
BETWEEN = "~"


@require_GET
@may(Action.VIEW)
def badges(request: Request) -> HttpResponse:
    """The parts of the query that are not as `If-None-Match` says, swapped out of band.

    304 while none has changed; stops the poll when none can. It is no activity: it writes nothing.
    """
    parts = live.load_asked(request)
    tokens = sorted(part.token for part in parts)
    tag = f'"{BETWEEN.join(tokens)}"'
    response = get_conditional_response(request, etag=tag)
    if response is None:
        known = request.headers.get("If-None-Match", "").strip('W/"').split(BETWEEN)
        response = HttpResponse(live.render_changed(request, parts, set(known)))
    if not any(part.pending for part in parts):
        response = HttpResponse(response.content, status=STOP_POLLING)
    response["ETag"] = tag
    return response


def load_badges(entity: str, request: Request, keys: Sequence[str]) -> Iterator[Current]:
    model = monitored_models()[entity]
    rows = OwnedQuerySet[Monitored](model).of(request.organization)
    found = rows.filter(pk__in=parse_uuids(keys)).defer(*deferred_columns(model))
    return map(badge_part, found)


for entity in ("credential", "target"):
    live.register(entity, "components/badge.html")(partial(load_badges, entity))
