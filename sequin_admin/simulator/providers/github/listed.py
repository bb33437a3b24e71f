"""The simulated GitHub's user of a token, and the installations of an app."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.github.api import caller
from sequin_admin.simulator.providers.github.app import app_of
from sequin_admin.simulator.providers.github.common import (
    API,
    installation_json,
    paginate,
    provider,
    simple_user,
)
from sequin_admin.simulator.providers.github.install import is_installed
from sequin_admin.simulator.rows.collection import Fields


def user_json(account: SimulatedAccount) -> Fields:
    known = simple_user(account.external_id, account.pk)
    counts = ("public_repos", "public_gists", "followers", "following")
    told = dict.fromkeys(("company", "location", "email", "hireable", "bio"))
    born = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z")
    return {**known, "name": account.name, "blog": "", **told, **dict.fromkeys(counts, 0), **born}


@provider.route("GET", API, r"/user")
def user(request: HttpRequest) -> HttpResponse:
    return JsonResponse(user_json(caller(request, user=True).grant.account))


@provider.route("GET", API, r"/app/installations")
def installations(request: HttpRequest) -> HttpResponse:
    app = app_of(request)
    accounts = SimulatedAccount.objects.filter(provider="github").order_by("pk")
    there = [a for a in accounts if is_installed(app, a) and not a.has("uninstall")]
    return paginate(request, [installation_json(account, app) for account in there])
