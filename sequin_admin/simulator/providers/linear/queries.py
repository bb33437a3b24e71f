"""What the simulated Linear's GraphQL API reads: the root values of queries."""

from functools import partial

from sequin_admin.simulator.graphql.pages import PageError, make_connection
from sequin_admin.simulator.graphql.row_lists import RowList
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.linear import fixed, rows
from sequin_admin.simulator.providers.linear.filters import changed_since, matches
from sequin_admin.simulator.providers.linear.lists import FixedQueries, user_error
from sequin_admin.simulator.rows.collection import Fields, LivingRow, RowCollection
from sequin_admin.simulator.rows.living import LivingRows

USUAL, MOST = 50, 250
TRASH_MS = 30 * 86_400_000
ORDERS = ("createdAt", "updatedAt")


def find_row(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """A row, perhaps one in the trash. Raises `GraphQLError`."""
    row = LivingRows(account, living).get(living.number_of(account, row_id))
    gone_ms = None if row is None else row.deleted_ms
    if row is None or (gone_ms is not None and gone_ms + TRASH_MS < now_ms(account)):
        kind = living.name[:-1].capitalize()
        raise user_error(f"Entity not found: {kind}", f"Could not find referenced {kind}.")
    return row


def now_ms(account: SimulatedAccount) -> int:
    return LivingRows(account, rows.ISSUES).at_ms


def order_of(arguments: Fields) -> tuple[str, bool]:
    """The time that orders a list, and whether the newest comes first. Raises `GraphQLError`."""
    for sort in arguments.get("sort") or ():
        for name, how in sort.items():
            if name not in ORDERS:
                raise user_error(f"The simulator does not sort by {name}.")
            return name, (how or {}).get("order") != "Ascending"
    return arguments.get("orderBy") or "createdAt", True


class RowQueries:
    """A list of a collection, and one of its rows."""

    def __init__(self, account: SimulatedAccount, living: RowCollection) -> None:
        self.account, self.living = account, living
        self.node = partial(rows.NODES[living.name], account)

    def one(self, info: object, id: str) -> Fields:
        return self.node(find_row(self.account, self.living, id))

    def many(self, info: object, filter: Fields | None = None, **arguments: object) -> Fields:
        """Raises `GraphQLError`."""
        condition = filter or {}
        archived, disabled = (bool(arguments.get(f"include{n}")) for n in ("Archived", "Disabled"))
        order, newest_first = order_of(arguments)

        def test(row: LivingRow) -> bool:
            there = archived or not (row.deleted_ms or row.fields.get("archivedAt"))
            active = disabled or row.fields.get("active") is not False
            return there and active and (not condition or matches(condition, self.node(row)))

        found = RowList(
            LivingRows(self.account, self.living),
            by_change=order == "updatedAt",
            newest_first=newest_first,
            since_ms=changed_since(condition),
            trash_ms=TRASH_MS if archived else 0,
            test=test,
        )
        try:
            return make_connection(found, self.node, arguments, usual=USUAL, most=MOST)
        except PageError as error:
            raise user_error(str(error)) from error


def queries(account: SimulatedAccount) -> Fields:
    team = fixed.team_of(account)
    states = [fixed.state_named(account, name) for name in fixed.STATES]
    found: dict[str, RowQueries | FixedQueries] = {
        "issue": RowQueries(account, rows.ISSUES),
        "project": RowQueries(account, rows.PROJECTS),
        "user": RowQueries(account, rows.USERS),
        "team": FixedQueries("Team", [team]),
        "workflowState": FixedQueries("WorkflowState", states),
        "issueLabel": FixedQueries("IssueLabel", fixed.labels_of(account)),
    }
    known = fixed.always(account, "organization")
    named = {"id": account.external_id, "name": account.name, "urlKey": account.data["url_key"]}
    return {
        **{name: one.one for name, one in found.items()},
        **{f"{name}s": one.many for name, one in found.items()},
        "viewer": fixed.viewer_of(account),
        "organization": {**known, **named},
    }
