"""Lists of what does not change at the simulated Linear, and errors of who asks."""

from graphql import GraphQLError

from sequin_admin.simulator.providers.linear.filters import matches
from sequin_admin.simulator.rows.collection import Fields


def user_error(message: str, presentable: str = "") -> GraphQLError:
    told = {"userError": True, "userPresentableMessage": presentable or message}
    known = {"type": "invalid input", "code": "INPUT_ERROR", "statusCode": 400, **told}
    return GraphQLError(message, extensions=known)


class FixedQueries:
    """A list of what does not change, on one page, and one of it."""

    def __init__(self, kind: str, known: list[Fields]) -> None:
        self.kind, self.known = kind, known

    def one(self, info: object, id: str) -> Fields:
        """Raises `GraphQLError`."""
        found = next((one for one in self.known if id in (one["id"], one.get("key"))), None)
        if found is None:
            raise user_error(f"Entity not found: {self.kind}")
        return found

    def many(self, info: object, filter: Fields | None = None, **arguments: object) -> Fields:
        nodes = [one for one in self.known if matches(filter or {}, one)]
        edges = [{"cursor": one["id"], "node": one} for one in nodes]
        ends = {"startCursor": nodes[0]["id"], "endCursor": nodes[-1]["id"]} if nodes else {}
        return {"nodes": nodes, "edges": edges, "pageInfo": ends}
