"""The simulated HubSpot's owners of objects: the users of an account.

https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide
"""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import SimulatedAccount, read_world
from sequin_admin.simulator.providers.hubspot.api import caller
from sequin_admin.simulator.providers.hubspot.common import API, provider
from sequin_admin.simulator.providers.hubspot.objects import page_size, refused
from sequin_admin.simulator.rows.collection import Fields, iso_millis, to_ms
from sequin_admin.simulator.rows.draws import FIRST_NAMES, LAST_NAMES

OWNERS = r"/crm/(?:v3/owners|owners/\d{4}-\d{2})"
USUAL, MOST = 100, 500


def owners_of(account: SimulatedAccount) -> list[Fields]:
    at = iso_millis(to_ms(read_world().born_at))
    people = list(zip(FIRST_NAMES, LAST_NAMES, strict=False))[:5]
    return [
        {
            **{"id": str(n), "userId": n, "type": "PERSON", "archived": False},
            **{"firstName": first, "lastName": last, "createdAt": at, "updatedAt": at},
            "email": f"{first}.{last}@{account.external_id}.example".lower(),
        }
        for n, (first, last) in enumerate(people, start=1)
    ]


@provider.route("GET", API, rf"{OWNERS}/?")
def owners(request: HttpRequest) -> HttpResponse:
    """By id. Raises `SimulatedResponse` (400)."""
    known = owners_of(caller(request).account)
    mail, after = request.GET.get("email"), str(request.GET.get("after", "0"))
    size = page_size(request.GET.get("limit"), USUAL, MOST)
    if not (after.isascii() and after.isdigit()):
        raise refused("after is not a cursor of this list")
    found = [one for one in known if mail in (None, one["email"]) and one["userId"] > int(after)]
    more = {"paging": {"next": {"after": found[size - 1]["id"]}}} if len(found) > size else {}
    return JsonResponse({"results": found[:size], **more})


@provider.route("GET", API, rf"{OWNERS}/(?P<owner_id>\d+)")
def owner(request: HttpRequest, owner_id: str) -> HttpResponse:
    """Raises `SimulatedResponse` (404)."""
    known = owners_of(caller(request).account)
    found = next((one for one in known if one["id"] == owner_id), None)
    if found is None:
        raise refused("resource not found", 404, "OBJECT_NOT_FOUND")
    return JsonResponse(found)
