"""What the simulated Linear's GraphQL API writes: the root values of mutations."""

from collections.abc import Callable

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.linear import fixed, rows
from sequin_admin.simulator.providers.linear.ids import fixed_id
from sequin_admin.simulator.providers.linear.lists import user_error
from sequin_admin.simulator.providers.linear.queries import find_row, now_ms
from sequin_admin.simulator.rows.collection import Fields, LivingRow, RowCollection, iso_millis
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row


class Mutations:
    """Writes to rows of one collection; `entity` names a row in answers."""

    def __init__(self, account: SimulatedAccount, living: RowCollection) -> None:
        self.account, self.living, self.entity = account, living, living.name[:-1]

    def create(self, info: object, input: Fields, **rest: object) -> Fields:
        return self._written(create_row(self.account, self.living, self._fields(input)))

    def update(self, info: object, id: str, input: Fields) -> Fields:
        row = self._living_row(id)
        return self._written(update_row(self.account, self.living, row, self._fields(input)))

    def delete(self, info: object, id: str, **rest: object) -> Fields:
        return self._written(delete_row(self.account, self.living, self._living_row(id)))

    def archive(self, info: object, id: str, trash: bool | None = None) -> Fields:
        if trash:
            return self.delete(info, id)
        at = iso_millis(now_ms(self.account))
        return self._mark_archived(id, at)

    def unarchive(self, info: object, id: str) -> Fields:
        return self._mark_archived(id, None)

    def _mark_archived(self, row_id: str, at: str | None) -> Fields:
        row = self._living_row(row_id)
        return self._written(update_row(self.account, self.living, row, {"archivedAt": at}))

    def _living_row(self, row_id: str) -> LivingRow:
        """Raises `GraphQLError`."""
        row = find_row(self.account, self.living, row_id)
        if row.deleted_ms is not None:
            raise user_error(f"The {self.entity} is in the trash.")
        return row

    def _fields(self, given: Fields) -> Fields:
        """Of the row; ids become what they name. Raises `GraphQLError`."""
        fields = {n: v for n, v in given.items() if n not in ("teamId", "teamIds", "trashed")}
        if "stateId" in fields:
            fields["state"] = state_of(self.account, fields.pop("stateId"))
        if "labelIds" in fields:
            fields["labels"] = labels_named(self.account, fields.pop("labelIds") or [])
        if "assigneeId" in fields:
            viewer, wanted = fixed.viewer_of(self.account)["id"], fields.pop("assigneeId")
            if wanted not in (None, viewer):
                raise user_error("Entity not found: User", "Only the viewer can be assigned here.")
            fields["assigned"] = wanted is not None
        team = fixed.team_of(self.account)["id"]
        if given.get("teamId", team) != team or set(given.get("teamIds", ())) - {team}:
            raise user_error("Entity not found: Team", "Could not find referenced Team.")
        return fields

    def _written(self, row: LivingRow) -> Fields:
        shown = rows.NODES[self.living.name](self.account, row)
        answer = {"success": True, "lastSyncId": float(row.updated_ms)}
        return {**answer, self.entity: shown, "entity": shown}


def state_of(account: SimulatedAccount, state_id: str) -> str:
    """The name of a state. Raises `GraphQLError`."""
    for name in fixed.STATES:
        if fixed_id(account, "state", name) == state_id:
            return name
    raise user_error("Entity not found: WorkflowState", "Could not find referenced WorkflowState.")


def labels_named(account: SimulatedAccount, label_ids: list[str]) -> list[str]:
    """The names of labels. Raises `GraphQLError`."""
    known = {label["id"]: label["name"] for label in fixed.labels_of(account)}
    if not set(label_ids) <= known.keys():
        raise user_error("Entity not found: IssueLabel", "Could not find referenced IssueLabel.")
    return [known[label_id] for label_id in label_ids]


def mutations(account: SimulatedAccount) -> dict[str, Callable[..., Fields]]:
    issues, projects = Mutations(account, rows.ISSUES), Mutations(account, rows.PROJECTS)
    return {
        "issueCreate": issues.create,
        "issueUpdate": issues.update,
        "issueDelete": issues.delete,
        "issueArchive": issues.archive,
        "issueUnarchive": issues.unarchive,
        "projectCreate": projects.create,
        "projectUpdate": projects.update,
        "projectDelete": projects.delete,
    }
