"""What is stored about oneself: to download, and to erase."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access import persons
from sequin_admin.access.models import User
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.fresh_login import fresh_login_required


@login_required
@require_GET
@fresh_login_required
def download(request: HttpRequest) -> HttpResponse:
    """As JSON, in a file."""
    answer = JsonResponse(
        persons.describe_person(cast(User, request.user)), json_dumps_params={"indent": 1}
    )
    answer["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@login_required
@require_http_methods(["GET", "POST"])
@fresh_login_required
def data(request: HttpRequest) -> HttpResponse:
    """Erase the account when its address was typed to confirm."""
    user = cast(User, request.user)
    typed, wrong, refused = request.POST.get("address", "").strip(), False, ""
    if request.method == "POST" and typed.lower() == user.email.lower():
        try:
            persons.erase(user, actor=actor_of(request))
        except persons.ErasureRefused as error:
            refused = str(error)
        else:
            # A logout would be an event with the name.
            request.session.flush()
            request.user = AnonymousUser()
            messages.success(request, "Your account is erased.")
            return redirect("account_login")
    elif request.method == "POST":
        wrong = True
    context = {"typed": typed, "wrong": wrong, "refused": refused}
    status = 409 if refused else 422 if wrong else 200
    return render(request, "account/data.html", context, status=status)
