"""Secrets of an OAuth app: those of the provider, and our gateway secret."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sequin_admin.access.forms import RotateForm
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials import gateway_secrets, oauth_apps
from sequin_admin.credentials.forms import AppSecretsForm
from sequin_admin.credentials.models import GatewaySecret, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.reach.connect import (
    reach_of_replacing_client_secret,
    reach_of_rotating_gateway_secret,
)
from sequin_admin.dashboard.views.saved_messages import show_notices


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def replace_secret(request: Request, pk: str) -> HttpResponse:
    """Store the new secret that the provider has issued for the app."""
    app = get_object_or_404(OAuthApp.objects.of(request.organization), pk=pk)
    edit = Edit(app, AppSecretsForm.of, submitted_data(request))
    form: AppSecretsForm = edit.form
    if request.method == "POST" and form.is_valid():
        properties, ends_at = form.properties, form.secret_ends_at()
        if edit.save(
            lambda row: oauth_apps.update(
                row, actor=actor_of(request), properties=properties, secret_ends_at=ends_at
            )
        ):
            messages.success(request, f"{app} has its new secret. It is tried at once.")
            show_notices(request, properties)
            return redirect("dashboard:oauth_app", pk=pk)
    context = {
        "app": app,
        "form": form,
        "edit": edit,
        "reach": reach_of_replacing_client_secret(app),
    }
    return render(request, "oauth_apps/secret.html", context, status=edit.status)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@never_cache
def gateway_secret(request: Request, pk: str) -> HttpResponseBase:
    """Make the app's gateway secret or a new one, shown in this response only."""
    app = get_object_or_404(OAuthApp.objects.of(request.organization).defer("secrets"), pk=pk)
    return make_gateway_secret(request, app)


@fresh_login_required
def make_gateway_secret(request: Request, app: OAuthApp) -> HttpResponse:
    current = GatewaySecret.objects.filter(oauth_app=app).first()
    form = RotateForm(submitted_data(request)) if current else None
    reach = reach_of_rotating_gateway_secret(app, current) if current else None
    if request.method == "POST" and (form is None or form.is_valid()):
        overlap = {"overlap": form.overlap} if form else {}
        row, secret = gateway_secrets.rotate(app, actor=actor_of(request), **overlap)
        made = {"app": app, "row": row, "secret": secret}
        return render(request, "oauth_apps/gateway_secret_made.html", made)
    context = {"app": app, "form": form, "current": current, "reach": reach}
    status = 422 if form and form.is_bound else 200
    return render(request, "oauth_apps/gateway_secret.html", context, status=status)
