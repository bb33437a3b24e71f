"""The members of an organization."""

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access import invitations
from sequin_admin.access import members as people
from sequin_admin.access.models import Invitation, Membership
from sequin_admin.access.policy import Action, Role
from sequin_admin.connect.leftovers import list_leftovers
from sequin_admin.core.actors import actor_of
from sequin_admin.core.fresh_login import is_login_fresh
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.accounts import send_invitation
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, is_shown_again, submitted_data
from sequin_admin.dashboard.reach.access import reach_of_removing_member


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label="Email address", max_length=150)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    """The new role of a member."""

    role = forms.ChoiceField(choices=Role.choices)

    @classmethod
    def of(cls, membership: Membership, data: QueryDict | None) -> "RoleForm":
        return cls(data, initial={"role": membership.role})


@require_GET
@may(Action.VIEW)
def members(request: Request) -> HttpResponse:
    return render_members(request)


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def member_add(request: Request) -> HttpResponse:
    """Invite an address. Whether it has an account makes no difference here."""
    form = InviteForm(submitted_data(request))
    if request.method != "POST" or not form.is_valid():
        return render_invite(request, form)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        invitation, token = invitations.create(
            request.organization, email, role, actor=actor_of(request)
        )
    except (people.AlreadyMember, invitations.AlreadyInvited) as problem:
        form.add_error("email", str(problem))
        return render_invite(request, form)
    mail_invitation(request, invitation, token)
    return redirect("dashboard:members")


def render_invite(request: Request, form: InviteForm) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(request, "members/invite.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def invitation_resend(request: Request, pk: uuid.UUID) -> HttpResponse:
    invitation = get_invitation_or_404(request, pk)
    if request.method == "GET":
        return render(request, "members/resend.html", {"invitation": invitation})
    try:
        invitation, token = invitations.resend(invitation, actor=actor_of(request))
    except invitations.InvitationClosed as problem:
        messages.error(request, str(problem))
    else:
        mail_invitation(request, invitation, token)
    return redirect("dashboard:members")


@require_POST
@may(Action.MANAGE)
def invitation_withdraw(request: Request, pk: uuid.UUID) -> HttpResponse:
    invitation = get_invitation_or_404(request, pk)
    try:
        invitations.withdraw(invitation, actor=actor_of(request))
    except invitations.InvitationClosed as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"The invitation of {invitation} is withdrawn.")
    return redirect("dashboard:members")


@require_POST
@may(Action.MANAGE)
@fresh_login_required
def member_role(request: Request, pk: int) -> HttpResponse:
    membership = get_owned_or_404(request, pk)
    edit = Edit(membership, RoleForm.of, request.POST, about=membership.user)
    form: RoleForm = edit.form
    if not form.is_valid():
        messages.error(request, "This role does not exist. Choose one of the list.")
        return redirect("dashboard:members")
    role = form.cleaned_data["role"]
    try:
        saved = edit.save(lambda row: people.change_role(row, role, actor=actor_of(request)))
    except people.LastOwner as problem:
        messages.error(request, str(problem))
    else:
        if saved:
            messages.success(request, f"{membership.user} is now {Role(role).label.lower()}.")
        for conflict in edit.conflicts:
            messages.warning(request, f"{membership.user}: {conflict.sentence}")
    return redirect_to_leftovers(request, membership)


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def member_remove(request: Request, pk: int) -> HttpResponse:
    membership = get_owned_or_404(request, pk)
    if request.method == "GET":
        return render_question(
            request,
            title=f"Remove {membership.user} from {membership.organization}?",
            button=f"Remove {membership.user}",
            back=reverse("dashboard:members"),
            reach=reach_of_removing_member(membership),
        )
    try:
        people.remove(membership, actor=actor_of(request))
    except people.LastOwner as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"{membership.user} is no longer a member.")
    return redirect_to_leftovers(request, membership)


def redirect_to_leftovers(request: Request, membership: Membership) -> HttpResponse:
    """To what the person made and could not make now, if there is any; else to the members."""
    left = any(left.person == membership.user for left in list_leftovers(request.organization))
    return redirect("dashboard:leftovers" if left else "dashboard:members")


def render_members(request: Request) -> HttpResponse:
    rows = Membership.objects.of(request.organization).select_related("user")
    invited = Invitation.objects.of(request.organization).open().select_related("invited_by")
    context = {
        "rows": [(row, Edit(row, RoleForm.of)) for row in rows.order_by("user__email")],
        "invited": invited.order_by("email"),
        "roles": Role.choices,
        # Forms are shown to those who may send them now.
        "fresh": is_login_fresh(request) or is_shown_again(request),
    }
    return render(request, "members/index.html", context)


def get_owned_or_404(request: Request, pk: int) -> Membership:
    rows = Membership.objects.of(request.organization).select_related("user", "organization")
    return get_object_or_404(rows, pk=pk)


def get_invitation_or_404(request: Request, pk: uuid.UUID) -> Invitation:
    rows = Invitation.objects.of(request.organization).open()
    return get_object_or_404(rows.select_related("organization"), pk=pk)


def mail_invitation(request: Request, invitation: Invitation, token: str) -> None:
    try:
        send_invitation(invitation, token)
    except OSError:
        messages.error(
            request,
            f"{invitation} is invited, but the invitation could not be mailed. Check the mail "
            "settings of this server, then press Send again.",
        )
    else:
        messages.success(request, f"We mailed {invitation} an invitation, valid for 7 days.")
