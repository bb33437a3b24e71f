"""The pages on which the recipient accepts an invitation.

The token is in the mailed URL only: the browser's session keeps its hash, so that the token is in
no further URL, log line or database row.
"""

from allauth.account.forms import SetPasswordForm
from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access import addresses, invitations, members
from sequin_admin.access.models import Invitation, Membership, User, digest
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.middleware import ORGANIZATION_SESSION_KEY

INVITATION_SESSION_KEY = "invitation"
CLOSED = (
    "It was accepted, withdrawn or sent again, or it is older than seven days. If there is a newer "
    "mail, open the link in that one; otherwise ask an owner of the organization to invite you."
)


@require_GET
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The mailed link."""
    if invitations.find(digest(token)) is None:
        return render_closed(request, CLOSED)
    request.session[INVITATION_SESSION_KEY] = digest(token)
    return redirect("invitation")


@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    invitation = invitations.find(request.session.get(INVITATION_SESSION_KEY, ""))
    if invitation is None:
        return render_closed(request, CLOSED)
    try:
        if request.user.is_authenticated:
            return accept_signed_in(request, invitation, request.user)
        return accept_anonymous(request, invitation)
    except (invitations.InvitationClosed, members.AlreadyMember) as problem:
        return render_closed(request, str(problem))


def accept_signed_in(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    other = not addresses.has_confirmed(user, invitation.email)
    if request.method == "GET" or other:
        context = {"invitation": invitation, "other": other}
        return render(request, "invitations/accept.html", context, status=403 if other else 200)
    return enter(request, invitations.accept(invitation, user, origin=actor_of(request)))


def accept_anonymous(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Who has an account is asked to log in, who has none chooses a password."""
    if addresses.account_of(invitation.email):
        return render(request, "invitations/log_in.html", {"invitation": invitation})
    newcomer = User(email=invitation.email, username=invitation.email)
    form = SetPasswordForm(data=request.POST or None, user=newcomer)
    if not form.is_valid():
        context = {"invitation": invitation, "form": form}
        status = 422 if form.is_bound else 200
        return render(request, "invitations/new_account.html", context, status=status)
    try:
        membership = invitations.accept_with_new_account(
            invitation, form.cleaned_data["password1"], origin=actor_of(request)
        )
    except invitations.AccountExists:
        return redirect("invitation")
    perform_login(request, membership.user)
    return enter(request, membership)


def enter(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the organization that the user has joined."""
    request.session.pop(INVITATION_SESSION_KEY, None)
    request.session[ORGANIZATION_SESSION_KEY] = str(membership.organization_id)
    role = membership.get_role_display().lower()
    messages.success(request, f"You are now in {membership.organization}, as {role}.")
    return redirect("dashboard:overview")


def render_closed(request: HttpRequest, reason: str) -> HttpResponse:
    return render(request, "invitations/closed.html", {"reason": reason}, status=410)
