"""The simulated Linear's issues, projects and users.

A deleted issue or project is in the trash: lists with `includeArchived` have it for 30 days.
"""

from sequin_admin.simulator.models import FIRST_WRITTEN, SimulatedAccount
from sequin_admin.simulator.providers.linear.common import provider
from sequin_admin.simulator.providers.linear.fixed import (
    COLOR,
    STATES,
    always,
    labels_of,
    person,
    state_named,
    team_of,
    url_of,
    viewer_of,
)
from sequin_admin.simulator.providers.linear.ids import UuidIds, fixed_id
from sequin_admin.simulator.providers.linear.lists import FixedQueries
from sequin_admin.simulator.rows.collection import (
    Fields,
    LivingRow,
    RowCollection,
    iso_millis,
)
from sequin_admin.simulator.rows.draws import Draw

PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")
# Numbers of issues that were written, as people see them.
FIRST_WRITTEN_ISSUE = 900_000_001


def times_of(row: LivingRow) -> Fields:
    """A tombstone is what lies in the trash."""
    gone = None if row.deleted_ms is None else iso_millis(row.deleted_ms)
    return {
        "createdAt": iso_millis(row.created_ms),
        "updatedAt": iso_millis(row.updated_ms),
        "archivedAt": gone or row.fields.get("archivedAt"),
        "trashed": True if gone else None,
    }


def issue_fields(draw: Draw) -> Fields:
    return {
        "title": draw.matter(),
        "description": f"Reported by {' '.join(draw.person()[:2])}",
        "estimate": draw.pick((None, 1, 2, 3, 5)),
        "priority": draw.between(0, 4, changing=True),
        "state": draw.pick(tuple(STATES), changing=True),
        "assigned": draw.pick((True, False), changing=True),
        "labels": list(draw.pick(((), ("Bug",), ("Feature",), ("Bug", "Improvement")))),
    }


def issue_number(number: int) -> int:
    return number + 1 if number < FIRST_WRITTEN else number - FIRST_WRITTEN + FIRST_WRITTEN_ISSUE


def number_of_issue(account: SimulatedAccount, text: str) -> int | None:
    """Of an id, or of an identifier such as `ARR-12`."""
    key, _, digits = text.rpartition("-")
    if key != team_of(account)["key"] or not (digits.isascii() and digits.isdigit()):
        return ISSUE_IDS.number_of(account, text)
    seen = int(digits)
    if seen < FIRST_WRITTEN_ISSUE:
        return seen - 1
    return seen - FIRST_WRITTEN_ISSUE + FIRST_WRITTEN


def render_issue(account: SimulatedAccount, row: LivingRow) -> Fields:
    known, number, team = row.fields, issue_number(row.number), team_of(account)
    identifier = f"{team['key']}-{number}"
    done = known["state"] == "Done"
    return {
        "id": ISSUE_IDS.id_of(account, row.number),
        **{n: v for n, v in known.items() if n not in ("state", "assigned", "labels")},
        **times_of(row),
        "number": number,
        "identifier": identifier,
        "url": url_of(account, f"issue/{identifier}"),
        "branchName": identifier.lower(),
        "priorityLabel": PRIORITIES[int(known["priority"])],
        "teamId": team["id"],
        "stateId": fixed_id(account, "state", known["state"]),
        "creatorId": fixed_id(account, "viewer"),
        "assigneeId": fixed_id(account, "viewer") if known["assigned"] else None,
        "completedAt": iso_millis(row.updated_ms) if done else None,
        "labelIds": [fixed_id(account, "label", name) for name in known["labels"]],
    }


def issue_node(account: SimulatedAccount, row: LivingRow) -> Fields:
    """An issue as GraphQL shows it, with what is around it."""
    viewer = viewer_of(account)
    labels = [one for one in labels_of(account) if one["name"] in row.fields["labels"]]
    return {
        **render_issue(account, row),
        "team": team_of(account),
        "state": state_named(account, row.fields["state"]),
        "creator": viewer,
        "assignee": viewer if row.fields["assigned"] else None,
        "labels": FixedQueries("IssueLabel", labels).many,
        "labelNodes": labels,
    }


def project_fields(draw: Draw) -> Fields:
    return {
        "name": draw.company(),
        "description": draw.matter(),
        "color": COLOR,
        "priority": draw.between(0, 4, changing=True),
        "progress": draw.between(0, 100, changing=True) / 100,
        "state": draw.pick(("backlog", "planned", "started", "completed"), changing=True),
    }


def render_project(account: SimulatedAccount, row: LivingRow) -> Fields:
    slug, state = f"{row.number:012x}", row.fields["state"]
    return {
        "id": PROJECT_IDS.id_of(account, row.number),
        **row.fields,
        **times_of(row),
        "slugId": slug,
        "url": url_of(account, f"project/{slug}"),
        "priorityLabel": PRIORITIES[int(row.fields["priority"])],
        "statusId": fixed_id(account, "status", state),
        "creatorId": fixed_id(account, "viewer"),
    }


def project_node(account: SimulatedAccount, row: LivingRow) -> Fields:
    state = row.fields["state"]
    status = {**always(account, "status", state), "type": state, "name": state.capitalize()}
    around = {"status": {**status, "color": COLOR}, "creator": viewer_of(account)}
    return {**render_project(account, row), **around}


def user_fields(draw: Draw) -> Fields:
    first, last, email = draw.person()
    named = {"name": f"{first} {last}", "email": email, "timezone": "UTC"}
    return {**named, "active": draw.pick((True, True, False), changing=True)}


def render_user(account: SimulatedAccount, row: LivingRow) -> Fields:
    known = person(account, row.fields["name"], row.fields["email"])
    user_id = USER_IDS.id_of(account, row.number)
    return {"id": user_id, **known, **row.fields, **times_of(row)}


ISSUE_IDS, PROJECT_IDS, USER_IDS = UuidIds(1), UuidIds(2), UuidIds(3)
ISSUES = provider.add_collection(
    RowCollection("issues", issue_fields, render_issue, ISSUE_IDS.id_of, number_of_issue)
)
PROJECTS = provider.add_collection(
    RowCollection(
        "projects", project_fields, render_project, PROJECT_IDS.id_of, PROJECT_IDS.number_of
    )
)
# Who leaves is no longer active, and stays.
USERS = provider.add_collection(
    RowCollection(
        "users", user_fields, render_user, USER_IDS.id_of, USER_IDS.number_of, deletes=False
    )
)
NODES = {"issues": issue_node, "projects": project_node, "users": render_user}
