"""The actions on a credential: verify, reconnect, disable, delete, reveal and so on."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.connect import credential_operations, flow, links
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.usage import InUse
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import disable_or_ask, render_question
from sequin_admin.dashboard.fresh_login import fresh_login_required
from sequin_admin.dashboard.reach.credentials import (
    reach_of_deleting_credential,
    reach_of_disabling_credential,
    reach_of_replacing_account,
)
from sequin_admin.health import probes


def get_owned_or_404(request: Request, pk: str) -> Credential:
    rows = Credential.objects.of(request.organization).select_related("oauth_app")
    return get_object_or_404(rows, pk=pk)


@require_POST
@may(Action.EDIT)
def verify(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    if credential.disabled_at:
        messages.warning(request, f"{credential} is disabled: nothing calls it. Enable it first.")
        return redirect("dashboard:credential", pk=pk)
    outcome = probes.verify(credential, actor=actor_of(request))
    if outcome.ok:
        messages.success(request, f"{credential.provider_title} confirms that {credential} works.")
    else:
        messages.warning(request, outcome.sentence)
    return redirect("dashboard:credential", pk=pk)


@require_POST
@may(Action.EDIT)
def reconnect(request: Request, pk: str) -> HttpResponse:
    """Redirect to the provider's consent page; the same account must be chosen there."""
    return start_reconnect(request, get_owned_or_404(request, pk), replaces_account=False)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def replace_account(request: Request, pk: str) -> HttpResponse:
    """Reconnect the credential with another account, after a confirmation. Audited."""
    credential = get_owned_or_404(request, pk)
    if request.method == "POST":
        return start_reconnect(request, credential, replaces_account=True)
    return render_question(
        request,
        title=f"Replace the account of {credential}?",
        button="Connect another account",
        back=reverse("dashboard:credential", args=[pk]),
        reach=reach_of_replacing_account(credential),
        row=credential,
        pending=f"Going to {credential.provider_title}…",
    )


def start_reconnect(
    request: Request, credential: Credential, *, replaces_account: bool
) -> HttpResponse:
    if not isinstance(credential, OAuthKind) or not credential.can_reconnect():
        return redirect("dashboard:credential_edit", pk=credential.pk)
    known = {**credential.properties, **credential.secrets}
    try:
        address = flow.start(
            request.organization,
            type(credential),
            user=request.user,
            session_key=request.session.session_key or "",
            oauth_app=credential.oauth_app or links.only_app_for(credential),
            inputs={n: known[n] for n in credential.oauth.required_properties if n in known},
            reconnects=credential,
            replaces_account=replaces_account,
        )
    except Refused as refusal:
        messages.error(request, refusal.outcome.sentence)
        return redirect("dashboard:credential", pk=credential.pk)
    return redirect(address)


@require_POST
@may(Action.EDIT)
def exchange(request: Request, pk: str) -> HttpResponse:
    """Exchange a token of an outdated type, then probe the credential."""
    credential = get_owned_or_404(request, pk)
    if credential.disabled_at or not credential.outdated_token():
        messages.warning(request, f"{credential} has no token to exchange now.")
        return redirect("dashboard:credential", pk=pk)
    try:
        credential_operations.exchange_token(credential, actor=actor_of(request))
        messages.success(request, f"{credential} has a token that is renewed from now on.")
    except Refused as refusal:
        messages.error(request, f"Not exchanged yet. {refusal.outcome.sentence}")
    probes.verify(get_owned_or_404(request, pk))
    return redirect("dashboard:credential", pk=pk)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def disable(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    return disable_or_ask(
        request,
        credential,
        credential_operations.disable,
        reach=reach_of_disabling_credential,
        done=f"{credential} is disabled. Nothing uses it until you enable it.",
    )


@require_POST
@may(Action.EDIT)
def enable(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    credential_operations.enable(credential, actor=actor_of(request))
    messages.success(request, f"{credential} is enabled again.")
    return redirect("dashboard:credential", pk=pk)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def delete(request: Request, pk: str) -> HttpResponse:
    """Delete the credential when its name was typed to confirm."""
    credential = get_owned_or_404(request, pk)
    typed, status = request.POST.get("name", "").strip(), 200
    if request.method == "POST" and typed == credential.name.strip():
        try:
            given_back = credential_operations.delete(credential, actor=actor_of(request))
        except InUse:
            # The page says by whom.
            status = 409
        else:
            end = f" and our access at {credential.provider_title} given back" if given_back else ""
            messages.success(request, f"{credential.name} is deleted{end}.")
            return redirect("dashboard:credentials")
    elif request.method == "POST":
        status = 422
    return render_question(
        request,
        title=f"Delete {credential}?",
        button=f"Delete {credential}",
        back=reverse("dashboard:credential", args=[pk]),
        reach=reach_of_deleting_credential(credential),
        status=status,
        confirm_by=credential.name,
        typed=typed,
        wrong=status == 422,
        row=credential,
    )


@never_cache
@require_http_methods(["GET", "POST"])
@may(Action.REVEAL)
@fresh_login_required
def reveal(request: Request, pk: str) -> HttpResponse:
    """Show the secrets; an audit event is written first."""
    credential = get_owned_or_404(request, pk)
    if request.method == "GET":
        return render(request, "credentials/reveal.html", {"credential": credential})
    secrets = credential_operations.reveal(credential, actor=actor_of(request))
    context = {"credential": credential, "secrets": secrets}
    return render(request, "credentials/reveal.html", context)
