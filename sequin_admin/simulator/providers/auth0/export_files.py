"""The files that jobs of the simulated Auth0 make, for a minute behind a signed link."""

import csv
import gzip
import io
import json
import re
from datetime import timedelta

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount, now
from sequin_admin.simulator.oauth import constant_time_equal
from sequin_admin.simulator.providers.auth0.common import SIGNING_KEY, api_error, provider
from sequin_admin.simulator.providers.auth0.users import users_of
from sequin_admin.simulator.rows.collection import Fields, parse_time, to_ms
from sequin_admin.simulator.webhooks.formats import hex_hmac

FILES = "auth0-export-users-us-east-2.s3.us-east-2.amazonaws.com"
# Seconds of the simulated clock: a job is forgotten; a link to its file ends.
FORGOTTEN_S, LINK_S = 86_400, 60
USUAL_FIELDS = ("user_id", "email", "email_verified", "name", "nickname", "created_at")
STEP = re.compile(r"\w+|\[\d+\]")


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
