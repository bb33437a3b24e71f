"""The simulated Auth0's jobs that export users.

https://auth0.com/docs/manage-users/user-migration/bulk-user-exports
"""

import secrets

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import now
from sequin_admin.simulator.providers.auth0.common import HOST, caller, provider
from sequin_admin.simulator.providers.auth0.export_files import (
    FORGOTTEN_S,
    age_s,
    find_job,
    link_to,
)
from sequin_admin.simulator.providers.auth0.export_requests import parse_export, parse_object
from sequin_admin.simulator.rows.collection import iso_millis, to_ms

# Seconds of the simulated clock: a job waits, and is done.
PENDING_S, DONE_S = 2, 10


@provider.route("POST", HOST, r"/api/v2/jobs/users-exports")
def create_export(request: HttpRequest, domain: str) -> HttpResponse:
    account = caller(request, domain, "read:users")
    job = {
        "type": "users_export",
        **parse_export(parse_object(request.body)),
        "created_at": iso_millis(to_ms(now())),
        "id": f"job_{secrets.token_hex(8)}",
    }
    living = [one for one in account.data.get("jobs", []) if age_s(one) < FORGOTTEN_S]
    account.data["jobs"] = [*living, job]
    account.save(update_fields=["data"])
    return JsonResponse({**job, "status": "pending"})


@provider.route("GET", HOST, r"/api/v2/jobs/(?P<job_id>job_\w+)")
def job(request: HttpRequest, domain: str, job_id: str) -> HttpResponse:
    """The status; of a completed job with a new link to its file."""
    found = find_job(caller(request, domain, "read:users"), job_id)
    age = age_s(found)
    if age < DONE_S:
        done = round(100 * age / DONE_S)
        status = {"status": "pending" if age < PENDING_S else "processing"}
        left = {"percentage_done": done, "time_left_seconds": round(DONE_S - age)}
        return JsonResponse({**found, **status, **left})
    known = {"status": "completed", "percentage_done": 100, "time_left_seconds": 0}
    return JsonResponse({**found, **known, "location": link_to(domain, found)})


@provider.route("GET", HOST, r"/api/v2/jobs/(?P<job_id>job_\w+)/errors")
def job_errors(request: HttpRequest, domain: str, job_id: str) -> HttpResponse:
    find_job(caller(request, domain, "read:users"), job_id)
    return HttpResponse(status=204)
