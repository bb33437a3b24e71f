"""The simulated GitHub's user of a token, and the installations of an app."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.github.api import caller
from sequin_admin.simulator.providers.github.app import app_of
from sequin_admin.simulator.providers.github.common import API, installation_json, provider
from sequin_admin.simulator.providers.github.install import is_installed
from sequin_admin.simulator.rows.collection import Fields


def user_json(account: SimulatedAccount) -> Fields:
    login = account.external_id
    url = f"https://api.github.com/users/{login}"
    named = {"login": login, "id": account.pk, "node_id": f"U_{account.pk}", "name": account.name}
    kind = {"type": "User", "site_admin": False, "url": url}
    return {**named, **kind, "html_url": f"https://github.com/{login}", "email": None}


@provider.route("GET", API, r"/user")
def user(request: HttpRequest) -> HttpResponse:
    return JsonResponse(user_json(caller(request, user=True).grant.account))


@provider.route("GET", API, r"/app/installations")
def installations(request: HttpRequest) -> HttpResponse:
    """30 a page, or up to 100; a plain list."""
    app = app_of(request)
    accounts = SimulatedAccount.objects.filter(provider="github").order_by("pk")
    there = [a for a in accounts if is_installed(app, a) and not a.has("uninstall")]
    size, page = (int(request.GET.get(n, usual)) for n, usual in (("per_page", 30), ("page", 1)))
    start = (page - 1) * min(size, 100)
    shown = [installation_json(a, app) for a in there[start : start + min(size, 100)]]
    return JsonResponse(shown, safe=False)
