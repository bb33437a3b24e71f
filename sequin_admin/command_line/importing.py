"""Imports parsed rows, up to 1,000 per request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sequin_admin.client import Api, Refused
from sequin_admin.client.bounds import MOST_IMPORTED
from sequin_admin.command_line.formats import Item, Shape
from sequin_admin.command_line.import_refusals import TOO_LARGE, refused
from sequin_admin.command_line.import_results import results_of
from sequin_admin.command_line.import_runs import ImportRun


def chunks_of(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), MOST_IMPORTED):
        yield items[start : start + MOST_IMPORTED]


def with_app(item: Item, shape: Shape, apps: Sequence[Mapping[str, object]]) -> Item:
    """The item with its provider's OAuth app, if one is given and the kind needs one."""
    fitting = (app["id"] for app in apps if app["provider"] == shape.provider)
    app = next(fitting, None) if shape.needs_oauth_app else None
    return replace(item, body={**item.body, "oauth_app_id": app}) if app else item


def warn_without_app(items: Sequence[Item], shapes: Mapping[str, Shape]) -> str:
    """A warning about credentials whose tokens can't be renewed, or an empty string."""
    lacking = [i for i in items if shapes[i.kind].needs_oauth_app and "oauth_app_id" not in i.body]
    if not lacking:
        return ""
    providers = ", ".join(sorted({shapes[item.kind].provider for item in lacking}))
    return (
        f"{len(lacking):,} of {len(items):,} without an OAuth app ({providers}): their tokens "
        "can't be renewed. Give it with --oauth-app ID."
    )


def send(api: Api, items: Sequence[Item], run: ImportRun) -> list[dict[str, Any]]:
    """Import all items or none, splitting too large a request. Raises errors not about rows."""
    body = body_of(items, dry_run=False)
    try:
        return results_of(items, api.post("credentials/bulk", body, key=run.key_of(body)))
    except Refused as error:
        if error.status == TOO_LARGE and len(items) > 1:
            return [done for part in halves(items) for done in send(api, part, run)]
        return refused(items, error)


def body_of(items: Sequence[Item], *, dry_run: bool) -> dict[str, Any]:
    return {"credentials": [item.body for item in items], "dry_run": dry_run}


def halves(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    return items[: len(items) // 2], items[len(items) // 2 :]
