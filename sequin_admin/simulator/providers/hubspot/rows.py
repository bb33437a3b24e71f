"""The simulated HubSpot's CRM objects and their properties."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.hubspot.common import provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, iso_millis
from sequin_admin.simulator.rows.draws import PLACES, Draw
from sequin_admin.simulator.rows.ids import PlainIds, plain_id_of, plain_number_of

# Scopes to read and to write; properties that come unless others are asked for.
SCOPES = {
    "contacts": ("crm.objects.contacts.read", "crm.objects.contacts.write"),
    "companies": ("crm.objects.companies.read", "crm.objects.companies.write"),
    "deals": ("crm.objects.deals.read", "crm.objects.deals.write"),
    "tickets": ("tickets", "tickets"),
}
USUAL = {
    "contacts": ("firstname", "lastname", "email"),
    "companies": ("name", "domain"),
    "deals": ("dealname", "amount", "closedate", "dealstage", "pipeline"),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
}
STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")


def contact(draw: Draw) -> dict[str, Any]:
    first, last, email = draw.person()
    stage = draw.pick(("lead", "opportunity", "customer"), changing=True)
    known = {"firstname": first, "lastname": last, "email": email, "phone": draw.phone()}
    return {**known, "city": draw.pick(PLACES)[0], "lifecyclestage": stage}


def company(draw: Draw) -> dict[str, Any]:
    employees = str(draw.between(3, 9000, changing=True))
    domain = f"company-{draw.number}.example.com"
    return {"name": draw.company(), "domain": domain, "numberofemployees": employees}


def deal(draw: Draw) -> dict[str, Any]:
    return {
        "dealname": f"{draw.pick(PLACES)[0]} deal {draw.number}",
        "amount": str(draw.between(100, 90_000, changing=True)),
        "closedate": iso_millis(1_790_000_000_000 + draw.between(0, 300) * 86_400_000),
        "dealstage": draw.pick(STAGES, changing=True),
        "pipeline": "default",
    }


def ticket(draw: Draw) -> dict[str, Any]:
    return {
        "subject": draw.matter(),
        "content": f"Case {draw.number}",
        "hs_pipeline": "0",
        "hs_pipeline_stage": str(draw.between(1, 4, changing=True)),
        "hs_ticket_priority": draw.pick(("LOW", "MEDIUM", "HIGH"), changing=True),
    }


def changed_property(name: str) -> str:
    """The property that tells when an object of this type changed."""
    return "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"


def properties_of(name: str, row: LivingRow) -> dict[str, Any]:
    """All properties of an object. Values are texts."""
    return {
        **row.fields,
        "hs_object_id": PlainIds.id_of(row.number),
        "createdate": iso_millis(row.created_ms),
        changed_property(name): iso_millis(row.updated_ms),
    }


def object_json(name: str, row: LivingRow, asked: list[str]) -> dict[str, Any]:
    """An object with the usual properties, or with those that are asked for; unknown ones are
    null."""
    known = properties_of(name, row)
    always = ("createdate", "hs_object_id", changed_property(name))
    shown = {n: known.get(n) for n in sorted({*always, *(asked or USUAL[name])})}
    archived = row.deleted_ms is not None
    ended = {"archivedAt": iso_millis(row.deleted_ms)} if row.deleted_ms is not None else {}
    times = {"createdAt": iso_millis(row.created_ms), "updatedAt": iso_millis(row.updated_ms)}
    return {
        "id": known["hs_object_id"],
        "properties": shown,
        **times,
        "archived": archived,
        **ended,
    }


def add_collection(name: str, fields: Callable[[Draw], dict[str, Any]]) -> None:
    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        return object_json(name, row, list(properties_of(name, row)))

    provider.add_collection(
        RowCollection(
            name,
            fields,
            render,
            plain_id_of,
            plain_number_of,
        )
    )


for name, fields in (
    ("contacts", contact),
    ("companies", company),
    ("deals", deal),
    ("tickets", ticket),
):
    add_collection(name, fields)
