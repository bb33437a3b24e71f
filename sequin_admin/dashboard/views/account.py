"""The page of one's own address."""

from typing import cast

from allauth.account.views import email as change_email
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from sequin_admin.access import addresses
from sequin_admin.access.models import User
from sequin_admin.dashboard.access import fresh_login_required


@login_required
@fresh_login_required
def email(request: HttpRequest) -> HttpResponse:
    """Change the address: it is replaced once the new one is confirmed, never before.

    An address that was never confirmed has to be confirmed before it can be changed.
    """
    if "action_primary" in request.POST:
        raise PermissionDenied("An address becomes yours when you open the link we mail to it.")
    user = cast(User, request.user)
    changes = bool(request.POST) and "action_send" not in request.POST
    if changes and not addresses.has_confirmed(user, user.email):
        raise PermissionDenied(f"Confirm {user} first: open the link that we mail to it.")
    response: HttpResponse = change_email(request)
    return response
