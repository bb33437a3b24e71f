"""The page of a credential: its tabs, without those of its limit and its syncs."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from sequin_admin.access.former_secrets import list_former
from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, FormerCredentialSecrets
from sequin_admin.dashboard import snippets
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.health.models import Check, Transition
from sequin_admin.tokens.lifetimes import is_renewable
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.summary import summarize_token


def get_owned_or_404(request: Request, pk: str) -> Credential:
    rows = Credential.objects.of(request.organization).select_related("oauth_app")
    return get_object_or_404(rows.defer("secrets", "oauth_app__secrets"), pk=pk)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    context = {
        "properties": list_properties(credential),
        "checks": Check.objects.about(credential),
        "former": list_former(FormerCredentialSecrets, credential),
        "transitions": Transition.objects.about(credential)[:5],
    }
    return render_tab(request, "credentials/detail.html", credential, "credential", context)


@require_GET
@may(Action.VIEW)
def token(request: Request, pk: str) -> HttpResponse:
    credential, now = get_owned_or_404(request, pk), clock.now()
    held = Token.objects.filter(pk=credential.pk).defer("secrets").first()
    context = {
        "token": held,
        "summary": summarize_token(credential, held, now),
        "now": now,
        "renewable": is_renewable(credential),
        "attempts": list_refresh_attempts(held) if held else [],
    }
    return render_tab(request, "credentials/token.html", credential, "credential_token", context)


@require_GET
@may(Action.VIEW)
def use(request: Request, pk: str) -> HttpResponse:
    """Code that calls the provider, or asks us about the credential."""
    credential = get_owned_or_404(request, pk)
    context = {"snippet_groups": snippets.build_snippets(credential, settings.PUBLIC_URL)}
    return render_tab(request, "credentials/use.html", credential, "credential_use", context)


@require_GET
@may(Action.EDIT)
def danger(request: Request, pk: str) -> HttpResponse:
    credential = get_owned_or_404(request, pk)
    return render_tab(request, "credentials/danger.html", credential, "credential_danger", {})


def list_refresh_attempts(token: Token) -> list[dict[str, Any]]:
    """The last refresh attempts for display, newest first."""
    return [
        {
            "number": attempt["fence"],
            "at": datetime.fromisoformat(attempt["at"]),
            "words": describe_attempt(attempt, token),
            "code": attempt.get("code", "") if attempt.get("code") not in RESULT_MESSAGES else "",
        }
        for attempt in reversed(token.journal)
    ]


RESULT_MESSAGES = {
    "ok": "Renewed",
    "unreachable": "No answer came",
    "answer_lost": "The answer of an attempt before was lost, and is not repeated",
}


def describe_attempt(attempt: dict[str, Any], token: Token) -> str:
    code = attempt.get("code")
    if code is None:
        newest = attempt["fence"] == token.lease_fence
        held = newest and token.is_leased()
        return "Under way" if held else "Cut off before an answer was stored"
    return RESULT_MESSAGES.get(code, "Not renewed")


def list_properties(credential: Credential) -> list[dict[str, Any]]:
    """The masked properties for display, in the order of their declaration."""
    declared, masked = credential.properties_class, credential.masked_properties()
    return [
        {
            "name": name,
            "title": declared.model_fields[name].title or name,
            "value": masked[name],
            "secret": declared.is_secret(name),
            "list": isinstance(masked[name], list),
        }
        for name in declared.names()
        if name in masked
    ]
