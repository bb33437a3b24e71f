"""The simulated Salesforce's objects and their fields."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.salesforce.common import provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, iso_plain
from sequin_admin.simulator.rows.draws import BRANCHES, PLACES, Draw
from sequin_admin.simulator.rows.ids import parse_base36, tag_of, to_base36

CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
STAGES = ("Prospecting", "Qualification", "Negotiation/Review", "Closed Won", "Closed Lost")
PREFIXES = {"Account": "001", "Contact": "003", "Lead": "00Q", "Opportunity": "006"}


class RecordIds:
    """Ids of 15 characters, and 3 that say which of them are capitals."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def id_of(self, account: SimulatedAccount, number: int) -> str:
        text = f"{self.prefix}{tag_of(account, 4)}{to_base36(number, 8)}"
        return f"{text}{checks_of(text)}"

    def number_of(self, account: SimulatedAccount, text: str) -> int | None:
        number = parse_base36(text[7:15])
        known = None if number is None else self.id_of(account, number)
        return number if known in (text, f"{text}{checks_of(text)}") else None


def checks_of(text: str) -> str:
    """A letter for each five characters, by which of them are capitals."""
    parts = (text[at : at + 5] for at in range(0, 15, 5))
    if text == text.lower():
        return CHECKS[0] * 3
    return "".join(CHECKS[sum(1 << n for n, c in enumerate(p) if c.isupper())] for p in parts)


def stamp(at_ms: int) -> str:
    """`2026-11-29T12:00:00.000+0000`."""
    return f"{iso_plain(at_ms)}.000+0000"


def account_fields(draw: Draw) -> dict[str, Any]:
    employees = draw.between(3, 9000, changing=True)
    known = {"Name": draw.company(), "Industry": draw.pick(BRANCHES)}
    return {**known, "NumberOfEmployees": employees, "BillingCity": draw.pick(PLACES)[0]}


def contact_fields(draw: Draw) -> dict[str, Any]:
    first, last, email = draw.person()
    names = {"FirstName": first, "LastName": last, "Name": f"{first} {last}"}
    return {**names, "Email": email, "Phone": draw.phone()}


def lead_fields(draw: Draw) -> dict[str, Any]:
    status = draw.pick(("Open - Not Contacted", "Working - Contacted"), changing=True)
    return {**contact_fields(draw), "Company": draw.company(), "Status": status}


def opportunity_fields(draw: Draw) -> dict[str, Any]:
    amount = float(draw.between(100, 90_000, changing=True))
    stage = draw.pick(STAGES, changing=True)
    day = f"2027-{draw.between(1, 12):02d}-01"
    return {"Name": draw.company(), "Amount": amount, "StageName": stage, "CloseDate": day}


FIELDS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "Account": account_fields,
    "Contact": contact_fields,
    "Lead": lead_fields,
    "Opportunity": opportunity_fields,
}


def add_collection(name: str) -> None:
    ids = RecordIds(PREFIXES[name])

    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        changed = stamp(row.updated_ms)
        return {
            "Id": ids.id_of(account, row.number),
            "IsDeleted": row.deleted_ms is not None,
            **row.fields,
            "CreatedDate": stamp(row.created_ms),
            "LastModifiedDate": changed,
            "SystemModstamp": changed,
        }

    provider.add_collection(
        RowCollection(name, FIELDS[name], render, ids.id_of, ids.number_of, grain_ms=1000)
    )


for object_name in PREFIXES:
    add_collection(object_name)
