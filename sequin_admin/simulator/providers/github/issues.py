"""The simulated GitHub's issues: https://docs.github.com/rest/issues/issues."""

import json
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.github.api import caller
from sequin_admin.simulator.providers.github.common import (
    API,
    API_URL,
    REPOSITORIES,
    api_error,
    owner_of,
    page_of,
    provider,
    with_links,
)
from sequin_admin.simulator.providers.github.labels import label_json, parse_labels
from sequin_admin.simulator.rows.collection import (
    Fields,
    LivingRow,
    RowCollection,
    iso_seconds,
    parse_time,
)
from sequin_admin.simulator.rows.draws import Draw
from sequin_admin.simulator.rows.ids import PlainIds, plain_id_of, plain_number_of
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.writing import create_row, update_row

ISSUES = r"/repos/(?P<owner>[\w-]+)/(?P<name>[\w-]+)/issues"
ONE = rf"{ISSUES}/(?P<row_id>\d+)"
WRITABLE = ("title", "body", "state", "state_reason", "labels")


def issue_fields(draw: Draw) -> dict[str, Any]:
    state = draw.pick(("open", "open", "closed"), changing=True)
    return {
        "title": draw.matter(),
        "body": f"Seen {draw.between(1, 40, changing=True)} times.",
        "state": state,
        "state_reason": "completed" if state == "closed" else None,
        "comments": draw.between(0, 12, changing=True),
        "labels": list(draw.pick(((), ("bug",), ("question",), ("bug", "documentation")))),
        "locked": False,
    }


def issue_json(account: SimulatedAccount, name: str, row: LivingRow) -> dict[str, Any]:
    number = row.number + 1
    path = f"{account.external_id}/{name}/issues/{number}"
    closed = iso_seconds(row.updated_ms) if row.fields["state"] == "closed" else None
    repository, url = f"{API_URL}/repos/{account.external_id}/{name}", f"{API_URL}/repos/{path}"
    return {
        "id": account.data["installation_id"] * 10_000 + number,
        "node_id": f"I_{name}{number}",
        "number": number,
        "url": url,
        "repository_url": repository,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": f"https://github.com/{path}",
        "user": owner_of(account),
        **row.fields,
        "labels": [label_json(repository, label) for label in row.fields["labels"]],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "author_association": "OWNER",
        "active_lock_reason": None,
        "performed_via_github_app": None,
        "created_at": iso_seconds(row.created_ms),
        "updated_at": iso_seconds(row.updated_ms),
        "closed_at": closed,
    }


def add_collection(name: str) -> None:
    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        return issue_json(account, name, row)

    provider.add_collection(
        RowCollection(
            f"{name}/issues",
            issue_fields,
            render,
            plain_id_of,
            plain_number_of,
            grain_ms=1000,
        )
    )


for repository in REPOSITORIES:
    add_collection(repository)


def permitted(
    request: HttpRequest, owner: str, name: str
) -> tuple[SimulatedAccount, RowCollection]:
    """The account and the repository's issues. Raises `SimulatedResponse` (403, 404)."""
    account = caller(request, user=False).grant.account
    if account.has("drop_scope"):
        raise SimulatedResponse(api_error(403, "Resource not accessible by integration"))
    if owner.lower() != account.external_id.lower() or name not in REPOSITORIES:
        raise SimulatedResponse(api_error(404, "Not Found"))
    return account, provider.collections[f"{name}/issues"]


@provider.route("GET", API, ISSUES)
def issues(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Pages by number: rows may come twice, or not at all, when others change meanwhile."""
    account, living = permitted(request, owner, name)
    page, size = page_of(request)
    state, since_ms = request.GET.get("state", "open"), parse_since(request)
    start = (page - 1) * size
    rows, newest_first = LivingRows(account, living), request.GET.get("direction", "desc") != "asc"
    if request.GET.get("sort") == "updated":
        found = rows.by_change(since_ms, newest_first=newest_first)
    elif state == "all" and not since_ms:
        found, start = rows.by_creation(newest_first=newest_first, skip=start), 0
    else:
        found = (
            row for row in rows.by_creation(newest_first=newest_first) if row.updated_ms >= since_ms
        )
    fitting = (row for row in found if state == "all" or row.fields["state"] == state)
    shown = list(islice(fitting, start, start + size + 1))
    data = [issue_json(account, name, row) for row in shown[:size]]
    return with_links(request, json_page(data), page, more=len(shown) > size)


def parse_since(request: HttpRequest) -> int:
    """`since`, or 0. Raises `SimulatedResponse` (422)."""
    text = request.GET.get("since", "")
    since_ms = parse_time(text) if text else 0
    if since_ms is None:
        raise SimulatedResponse(api_error(422, "Validation Failed: since must be a timestamp"))
    return since_ms


def find_issue(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """Raises `SimulatedResponse`: 404, or 410 for a deleted one."""
    row = LivingRows(account, living).get(PlainIds.number_of(row_id))
    if row is None:
        raise SimulatedResponse(api_error(404, "Not Found"))
    if row.deleted_ms is not None:
        raise SimulatedResponse(api_error(410, "This issue was deleted"))
    return row


@provider.route("GET", API, ONE)
def one_issue(request: HttpRequest, owner: str, name: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, owner, name)
    return JsonResponse(issue_json(account, name, find_issue(account, living, row_id)))


def parse_changes(request: HttpRequest) -> dict[str, Any]:
    """Raises `SimulatedResponse`: 400 for what is no JSON, 422 for wrong values."""
    try:
        given = json.loads(request.body)
    except ValueError:
        raise SimulatedResponse(api_error(400, "Problems parsing JSON")) from None
    changes = {n: given[n] for n in WRITABLE if n in given} if isinstance(given, dict) else {}
    labels = changes.pop("labels", None)
    texts = all(value is None or isinstance(value, str) for value in changes.values())
    if labels is not None:
        changes["labels"] = parse_labels(labels)
    state = changes.get("state", "open")
    if (
        not changes
        or not texts
        or state not in ("open", "closed")
        or changes.get("title", "x") in ("", None)
    ):
        raise SimulatedResponse(api_error(422, "Validation Failed"))
    return changes


@provider.route("POST", API, ISSUES)
def create_issue(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Raises `SimulatedResponse` (422) without a title."""
    account, living = permitted(request, owner, name)
    changes = parse_changes(request)
    if "title" not in changes:
        raise SimulatedResponse(api_error(422, "Validation Failed: title is missing"))
    empty: Fields = {"body": None, "state": "open", "state_reason": None, "labels": []}
    row = create_row(account, living, {**empty, "comments": 0, **changes})
    return JsonResponse(issue_json(account, name, row), status=201)


@provider.route("PATCH", API, ONE)
def change_issue(request: HttpRequest, owner: str, name: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, owner, name)
    row = update_row(account, living, find_issue(account, living, row_id), parse_changes(request))
    return JsonResponse(issue_json(account, name, row))
