"""What the simulated Shopify's GraphQL API reads and writes: the root values."""

from collections.abc import Callable
from functools import partial

from graphql import GraphQLError

from sequin_admin.simulator.graphql.pages import PageError, make_connection
from sequin_admin.simulator.graphql.row_lists import RowList
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant, read_world
from sequin_admin.simulator.providers.shopify.common import provider
from sequin_admin.simulator.providers.shopify.nodes import fields_of, node_of
from sequin_admin.simulator.providers.shopify.search import SearchError, SearchParser
from sequin_admin.simulator.rows.collection import Fields, LivingRow, iso_seconds, to_ms
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

MOST = 250
NAMES = ("products", "orders", "customers")


def bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def not_found(name: str, row_id: object) -> Fields:
    return {"userErrors": [{"field": ["id"], "message": f"{name.capitalize()} does not exist"}]}


class ShopifyRows:
    """One collection, for a grant with its scopes."""

    def __init__(self, grant: SimulatedGrant, name: str) -> None:
        self.grant, self.account, self.name, self.kind = grant, grant.account, name, name[:-1]
        self.living = provider.collections[name]

    def permit(self, right: str) -> None:
        """Raises `GraphQLError` without the scope."""
        if not {f"{right}_{self.name}", f"write_{self.name}"} & set(self.grant.scopes):
            needed = f"`{right}_{self.name}` access scope."
            message = f"Access denied for {self.name} field. Required access: {needed}"
            raise GraphQLError(
                message, extensions={"code": "ACCESS_DENIED", "requiredAccess": needed}
            )

    def find(self, row_id: str) -> LivingRow | None:
        number = row_id.removeprefix(f"gid://shopify/{self.kind.capitalize()}/")
        row = LivingRows(self.account, self.living).get(self.living.number_of(self.account, number))
        return None if row is None or row.deleted_ms is not None else row

    def node(self, row: LivingRow) -> Fields:
        return node_of(self.account, self.name, row)

    def one(self, info: object, id: str) -> Fields | None:
        self.permit("read")
        row = self.find(id)
        return self.node(row) if row else None

    def row_list(self, query: str | None, sort_key: str = "ID", reverse: bool = False) -> RowList:
        """Raises `GraphQLError`."""
        self.permit("read")
        search = SearchParser(query or "")
        try:
            test = search.parse()
        except SearchError as error:
            raise bad_request(f"Invalid search: {error}") from error
        return RowList(
            LivingRows(self.account, self.living),
            by_change=sort_key == "UPDATED_AT",
            newest_first=reverse,
            since_ms=search.since_ms,
            test=lambda row: test(self.living.render(self.account, row)),
        )

    def many(
        self,
        info: object,
        query: str | None = None,
        sortKey: str = "ID",
        reverse: bool = False,
        **arguments: object,
    ) -> Fields:
        """Raises `GraphQLError`."""
        if arguments.get("first") is None and arguments.get("last") is None:
            raise bad_request("you must provide one of first or last")
        found = self.row_list(query, sortKey, reverse)
        try:
            return make_connection(found, self.node, arguments, usual=MOST, most=MOST)
        except PageError as error:
            raise bad_request(str(error)) from error

    def count(self, info: object, query: str | None = None, limit: int | None = 10_000) -> Fields:
        count = sum(1 for _ in self.row_list(query).walk(None))
        most = count if limit is None else limit
        return {"count": min(count, most), "precision": "AT_LEAST" if count > most else "EXACT"}

    def create(self, info: object, **given: Fields) -> Fields:
        self.permit("write")
        fields = fields_of(next(iter(given.values()), {}))
        wanted = "title" if self.name == "products" else "email"
        if not fields.get(wanted) and not fields.get("phone") and not fields.get("first_name"):
            return {"userErrors": [{"field": [wanted], "message": f"{wanted} can't be blank"}]}
        row = create_row(self.account, self.living, fields)
        return {self.kind: self.node(row), "userErrors": []}

    def update(self, info: object, **given: Fields) -> Fields:
        self.permit("write")
        fields = next(iter(given.values()), {})
        row = self.find(str(fields.get("id", "")))
        if row is None:
            return not_found(self.kind, fields.get("id"))
        changed = update_row(self.account, self.living, row, fields_of(fields))
        return {self.kind: self.node(changed), "userErrors": []}

    def delete(
        self,
        info: object,
        input: Fields | None = None,
        orderId: str = "",
    ) -> Fields:
        self.permit("write")
        row_id = str((input or {}).get("id", orderId))
        row = self.find(row_id)
        if row is None:
            return not_found(self.kind, row_id)
        delete_row(self.account, self.living, row)
        named = "deletedId" if orderId else f"deleted{self.kind.capitalize()}Id"
        return {named: row_id, "userErrors": []}


def shop_of(account: SimulatedAccount) -> Fields:
    shop = account.external_id
    known = {"id": f"gid://shopify/Shop/{account.data['number']}", "name": account.name}
    plan = {"displayName": "Basic", "partnerDevelopment": False, "shopifyPlus": False}
    mail = dict.fromkeys(("email", "contactEmail"), f"owner@{shop}")
    return {
        **{**known, **mail, "plan": plan},
        **{"myshopifyDomain": shop, "url": f"https://{shop}", "currencyCode": "USD"},
        **{"ianaTimezone": "UTC", "createdAt": iso_seconds(to_ms(read_world().born_at))},
        "__typename": "Shop",
    }


def find_node(found: dict[str, ShopifyRows], row_id: str) -> Fields | None:
    """A row of any collection by its global id."""
    kind = row_id.removeprefix("gid://shopify/").partition("/")[0].lower()
    rows = found.get(f"{kind}s")
    return rows.one(None, row_id) if rows else None


def queries(grant: SimulatedGrant) -> Fields:
    found = {name: ShopifyRows(grant, name) for name in NAMES}
    scopes = [{"handle": scope, "description": scope} for scope in grant.scopes]
    installation = {"id": f"gid://shopify/AppInstallation/{grant.pk}", "accessScopes": scopes}
    find = partial(find_node, found)
    return {
        **{name[:-1]: rows.one for name, rows in found.items()},
        **{name: rows.many for name, rows in found.items()},
        **{f"{name}Count": rows.count for name, rows in found.items()},
        "node": lambda info, id: find(id),
        "nodes": lambda info, ids: [find(one) for one in ids],
        "shop": shop_of(grant.account),
        "currentAppInstallation": installation,
    }


def mutations(grant: SimulatedGrant) -> dict[str, Callable[..., Fields]]:
    found = {name[:-1]: ShopifyRows(grant, name) for name in NAMES}
    return {
        **{f"{kind}Create": rows.create for kind, rows in found.items()},
        **{f"{kind}Update": rows.update for kind, rows in found.items()},
        **{f"{kind}Delete": rows.delete for kind, rows in found.items()},
    }
