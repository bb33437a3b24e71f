"""The simulated Auth0's jobs that export users, and the files they make.

https://auth0.com/docs/manage-users/user-migration/bulk-user-exports
"""

import csv
import gzip
import io
import json
import re
import secrets
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount, now
from sequin_admin.simulator.oauth import constant_time_equal
from sequin_admin.simulator.providers.auth0.common import (
    HOST,
    SIGNING_KEY,
    api_error,
    caller,
    provider,
)
from sequin_admin.simulator.providers.auth0.users import CONNECTION, CONNECTION_ID, users_of
from sequin_admin.simulator.rows.collection import Fields, iso_millis, parse_time, to_ms
from sequin_admin.simulator.webhooks.formats import hex_hmac

FILES = "auth0-export-users-us-east-2.s3.us-east-2.amazonaws.com"
# Seconds of the simulated clock: a job waits, works, and is forgotten; a link to its file ends.
PENDING_S, DONE_S, FORGOTTEN_S, LINK_S = 2, 10, 86_400, 60
MOST_FIELDS = 30
USUAL_FIELDS = ("user_id", "email", "email_verified", "name", "nickname", "created_at")
STEP = re.compile(r"\w+|\[\d+\]")


def refuse(message: str) -> SimulatedResponse:
    text = f"Payload validation error: {message}."
    return SimulatedResponse(api_error(400, "Bad Request", text, "invalid_body"))


def parse_object(body: bytes) -> Fields:
    """The JSON object of a body. Raises `SimulatedResponse` (400)."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        text = "Invalid request payload JSON format"
        raise SimulatedResponse(api_error(400, "Bad Request", text))
    return given


def parse_export(given: Fields) -> Fields:
    """What a job is asked for. Raises `SimulatedResponse`: 400, or 404 for the connection."""
    asked: Fields = {"format": given.get("format", "csv")}
    if asked["format"] not in ("csv", "json"):
        raise refuse(f"'No enum match for: {asked['format']}' on property format")
    limit, fields = given.get("limit"), given.get("fields")
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise refuse("'Expected an integer from 1' on property limit")
        asked["limit"] = limit
    if fields is not None:
        if not isinstance(fields, list) or not 0 < len(fields) <= MOST_FIELDS:
            raise refuse(f"'Expected 1 to {MOST_FIELDS} items' on property fields")
        if not all(isinstance(f, dict) and isinstance(f.get("name"), str) for f in fields):
            raise refuse("'Missing required property: name' on property fields")
        asked["fields"] = [{n: str(f[n]) for n in ("name", "export_as") if n in f} for f in fields]
    if given.get("connection_id") not in (None, CONNECTION_ID):
        text = "The connection does not exist."
        raise SimulatedResponse(api_error(404, "Not Found", text, "inexistent_connection"))
    if "connection_id" in given:
        asked |= {"connection_id": CONNECTION_ID, "connection": CONNECTION}
    return asked


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


def age_s(job: Fields) -> float:
    return (to_ms(now()) - created_ms(job)) / 1000


def created_ms(job: Fields) -> int:
    found = parse_time(job["created_at"])
    return found or 0


def find_job(account: SimulatedAccount, job_id: str) -> Fields:
    """Raises `SimulatedResponse` (404), also a day after the job was created."""
    for job in account.data.get("jobs", []):
        if job["id"] == job_id and age_s(job) < FORGOTTEN_S:
            found: Fields = job
            return found
    raise SimulatedResponse(api_error(404, "Not Found", "The job was not found", "inexistent_job"))


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


def link_to(domain: str, job: Fields) -> str:
    path = f"/{job['id']}/{domain}.{job['format']}.gz"
    ends = int((now() + timedelta(seconds=LINK_S)).timestamp())
    signature = hex_hmac(SIGNING_KEY, f"{path}{ends}".encode())
    return f"https://{FILES}{path}?Expires={ends}&Signature={signature}"


@provider.route(
    "GET", re.escape(FILES), r"/(?P<job_id>job_\w+)/(?P<domain>[a-z0-9.-]+)\.(?:csv|json)\.gz"
)
def file(request: HttpRequest, job_id: str, domain: str) -> HttpResponse:
    """The gzipped file, for a minute, to whoever has the link."""
    ends, given = (request.GET.get(name, "") for name in ("Expires", "Signature"))
    path = request.path.removeprefix(f"/{FILES}")
    if not constant_time_equal(hex_hmac(SIGNING_KEY, f"{path}{ends}".encode()), given):
        return refused_file("SignatureDoesNotMatch", "The signature does not match.")
    if int(ends) <= now().timestamp():
        return refused_file("AccessDenied", "Request has expired")
    account = SimulatedAccount.objects.get(provider="auth0", external_id=domain)
    written = gzip.compress(export(find_job(account, job_id), users_of(account)).encode())
    return HttpResponse(written, content_type="application/gzip")


def refused_file(code: str, message: str) -> HttpResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
    body += f"<Message>{message}</Message></Error>"
    return HttpResponse(body, status=403, content_type="application/xml")


def export(job: Fields, users: list[Fields]) -> str:
    """The users in lines of JSON, or in CSV with a header."""
    shown = users[: job.get("limit", len(users))]
    if job["format"] == "json":
        names = [one["name"] for one in job.get("fields", [])]
        kept = ({n: value_at(user, n) for n in names} if names else user for user in shown)
        return "".join(f"{json.dumps(one)}\n" for one in kept)
    columns = job.get("fields") or [{"name": name} for name in USUAL_FIELDS]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([one.get("export_as", one["name"]) for one in columns])
    lines.writerows([value_at(user, one["name"]) for one in columns] for user in shown)
    return text.getvalue()


def value_at(user: Fields, path: str) -> object:
    """`identities[0].connection`; None where there is nothing."""
    value: object = user
    for step in STEP.findall(path):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.startswith("["):
            place = int(step[1:-1])
            value = value[place] if place < len(value) else None
        else:
            return None
    return value
