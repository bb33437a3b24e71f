"""The simulated Auth0's users: https://auth0.com/docs/manage-users/user-search."""

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.auth0.common import (
    HOST,
    api_error,
    caller,
    number_of,
    paged,
    provider,
)
from sequin_admin.simulator.rows.collection import Fields
from sequin_admin.simulator.rows.draws import FIRST_NAMES

PEOPLE = ("paul", "jessica", "leto", "duncan", "gurney")
# With `many_users` on; lists end before.
MANY, MOST_LISTED = 1_205, 1_000
CONNECTION_ID, CONNECTION = "con_0000000000000001", "Username-Password-Authentication"
END_OF_LISTS = (
    "You can only page through the first 1000 records. "
    "See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
)


def user_json(account: SimulatedAccount, number: int) -> Fields:
    name = (
        PEOPLE[number]
        if number < len(PEOPLE)
        else f"{FIRST_NAMES[number % len(FIRST_NAMES)].lower()}{number}"
    )
    at = f"2026-01-{1 + number % 28:02d}T08:00:00.000Z"
    return {
        "user_id": f"auth0|{name}",
        "email": f"{name}@{account.external_id}",
        "email_verified": number % 2 == 0,
        "name": name.capitalize(),
        "nickname": name,
        "created_at": at,
        "updated_at": at,
        "identities": [
            {"connection": CONNECTION, "user_id": name, "provider": "auth0", "isSocial": False}
        ],
        "user_metadata": {"country": "Arrakis"},
        "logins_count": number,
    }


def users_of(account: SimulatedAccount) -> list[Fields]:
    count = MANY if account.has("many_users") else len(PEOPLE)
    return [user_json(account, number) for number in range(count)]


@provider.route("GET", HOST, r"/api/v2/users")
def users(request: HttpRequest, domain: str) -> HttpResponse:
    """Raises `SimulatedResponse` (400) for a page past the first 1,000 records."""
    account = caller(request, domain, "read:users")
    page, size = number_of(request, "page", 0, 10**6), number_of(request, "per_page", 50, 100)
    if (page + 1) * size > MOST_LISTED:
        raise SimulatedResponse(api_error(400, "Bad Request", END_OF_LISTS, "invalid_paging"))
    return paged("users", users_of(account), request, 50)
