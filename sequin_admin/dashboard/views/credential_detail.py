"""The page of a credential."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard import snippets
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import render_page_or_partial
from sequin_admin.dashboard.recent import remember_viewed
from sequin_admin.dashboard.views import health
from sequin_admin.dashboard.views.badges import may_change
from sequin_admin.health.models import Transition
from sequin_admin.limits import models as limits
from sequin_admin.tokens.models import Token


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("oauth_app", "rate_limit")
    credential = get_object_or_404(rows, pk=pk)
    remember_viewed(request, "credential", credential)
    token = Token.objects.filter(pk=credential.pk).defer("secrets").first()
    context = {
        "credential": credential,
        "properties": list_properties(credential),
        "token": token,
        "attempts": list_refresh_attempts(token) if token else [],
        "limit": limits.get_rate_limit(credential),
        "snippet_groups": snippets.build_snippets(credential, settings.PUBLIC_URL),
        "pending": may_change(credential),
        **health.build_card_context(credential),
        "transitions": Transition.objects.about(credential)[:5],
        "events": Event.objects.of(request.organization.pk).about(credential)[:15],
    }
    return render_page_or_partial(request, "credentials/detail.html", "health", context)


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
