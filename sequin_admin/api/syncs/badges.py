"""/v1/syncs/{id}/badge: a sync's status as a public image."""

from typing import Any
from uuid import UUID

from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape
from sequin_admin.api.syncs.views import get_owned_or_404
from sequin_admin.syncs import syncs
from sequin_admin.syncs.models import Sync

router = Resource("Syncs")


class BadgeShape(Shape):
    """The public badge of a sync; `url` is null while it is not published."""

    sync_id: UUID
    published: bool
    url: str | None = Field(
        description="Whoever has it sees the status, and only that.",
        examples=["https://sequin.arrakis.example/badge/Jx3kQ9.svg"],
    )


def badge_out(sync: Sync) -> dict[str, Any]:
    url = syncs.badge_url(sync)
    return {"sync_id": sync.pk, "published": bool(url), "url": url or None}


@router.get("/{sync_id}/badge", response={200: BadgeShape, **ERRORS})
def sync_badge(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """Whether it has a public badge, and where."""
    return badge_out(get_owned_or_404(require_scope(request, Scope.READ), sync_id))


@router.post("/{sync_id}/publish", response={200: BadgeShape, **ERRORS})
def publish_sync_badge(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """A public address, a new one each time: the former one no longer works."""
    sync = get_owned_or_404(require_scope(request, Scope.WRITE), sync_id)
    syncs.publish_badge(sync, actor=caller(request))
    return badge_out(sync)


@router.post("/{sync_id}/unpublish", response={200: BadgeShape, **ERRORS})
def unpublish_sync_badge(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """Its address no longer works."""
    sync = get_owned_or_404(require_scope(request, Scope.WRITE), sync_id)
    syncs.unpublish_badge(sync, actor=caller(request))
    return badge_out(sync)
