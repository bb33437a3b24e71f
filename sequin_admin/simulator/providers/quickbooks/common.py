"""What the simulated QuickBooks' endpoints share: seed data and errors."""

import uuid

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import now


def api_error(status: int, type_: str, code: str, message: str) -> HttpResponse:
    error = {"Message": message, "Detail": f"{message}; statusCode={status}", "code": code}
    body = {"Fault": {"Error": [error], "type": type_}, "time": now().isoformat()}
    return with_request_id(JsonResponse(body, status=status))


def with_request_id(response: HttpResponse) -> HttpResponse:
    response["intuit_tid"] = f"1-{uuid.uuid4().hex}"
    return response


def throttled() -> HttpResponse:
    return api_error(429, "SERVICE", "3001", "ThrottleExceeded")


def plant() -> None:
    seed.create_client("quickbooks", client_id="ABSimulatedQuickBooksApp")
    seed.create_account("quickbooks", "4620816365001234567", "Arrakis", sandbox=False)
    seed.create_account("quickbooks", "9130357849987654321", "Giedi Prime [sandbox]", sandbox=True)


provider = ProviderSimulator(
    "quickbooks",
    "QuickBooks",
    scopes=("com.intuit.quickbooks.accounting",),
    switches=("take_rights_away", "end_subscription"),
    seed=plant,
    throttled=throttled,
)
