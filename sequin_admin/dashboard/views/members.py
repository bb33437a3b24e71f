"""The members of an organization."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access import members as people
from sequin_admin.access.models import Membership
from sequin_admin.access.policy import Action, Role
from sequin_admin.dashboard.access import (
    Request,
    fresh_login_required,
    is_login_fresh,
    is_shown_again,
    may,
    submitted_data,
)
from sequin_admin.dashboard.accounts import send_invitation


class AddForm(forms.Form):
    email = forms.EmailField(label="Email address", max_length=150)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


@require_GET
@may(Action.VIEW)
def members(request: Request) -> HttpResponse:
    return render_members(request, AddForm())


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def member_add(request: Request) -> HttpResponse:
    """Add an existing user, or create one and mail an invitation."""
    form = AddForm(submitted_data(request))
    if request.method == "GET":
        return render_members(request, form)
    if not form.is_valid():
        return render_members(request, form, status=422)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        membership, created = people.add(request.organization, email, role, actor=request.user)
    except people.AlreadyMember as problem:
        form.add_error("email", str(problem))
        return render_members(request, form, status=422)
    if created:
        mail_invitation(request, membership)
    else:
        messages.success(request, f"{membership.user} is now a member.")
    return redirect("dashboard:members")


@require_POST
@may(Action.MANAGE)
@fresh_login_required
def member_invite(request: Request, pk: int) -> HttpResponse:
    """Mail the invitation again, to a user without a password."""
    membership = get_owned_or_404(request, pk)
    if membership.user.has_usable_password():
        messages.info(request, f"{membership.user} has a password already and can sign in.")
    else:
        mail_invitation(request, membership)
    return redirect("dashboard:members")


@require_POST
@may(Action.MANAGE)
@fresh_login_required
def member_role(request: Request, pk: int) -> HttpResponse:
    membership, form = get_owned_or_404(request, pk), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "This role does not exist. Choose one of the list.")
        return redirect("dashboard:members")
    try:
        people.change_role(membership, form.cleaned_data["role"], actor=request.user)
    except people.LastOwner as problem:
        messages.error(request, str(problem))
    else:
        role = membership.get_role_display().lower()
        messages.success(request, f"{membership.user} is now {role}.")
    return redirect("dashboard:members")


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def member_remove(request: Request, pk: int) -> HttpResponse:
    membership = get_owned_or_404(request, pk)
    if request.method == "GET":
        return render(request, "members/remove.html", {"subject": membership})
    try:
        people.remove(membership, actor=request.user)
    except people.LastOwner as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"{membership.user} is no longer a member.")
    return redirect("dashboard:members")


def render_members(request: Request, form: AddForm, *, status: int = 200) -> HttpResponse:
    rows = Membership.objects.of(request.organization).select_related("user")
    context = {
        "rows": rows.order_by("user__email"),
        "form": form,
        "roles": Role.choices,
        # Forms are shown to those who may send them now.
        "fresh": is_login_fresh(request) or is_shown_again(request),
    }
    return render(request, "members/index.html", context, status=status)


def get_owned_or_404(request: Request, pk: int) -> Membership:
    rows = Membership.objects.of(request.organization).select_related("user", "organization")
    return get_object_or_404(rows, pk=pk)


def mail_invitation(request: Request, membership: Membership) -> None:
    user = membership.user
    try:
        send_invitation(user, request.organization, inviter=request.user)
    except OSError:
        messages.error(
            request,
            f"{user} is a member, but the invitation could not be mailed. Check the mail "
            "settings of this server, then press Send invitation again.",
        )
    else:
        messages.success(request, f"We mailed {user} an invitation to choose a password.")
