"""Where a person is signed in, and ends of it that hold at the very next request."""

from typing import cast

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sequin_admin.access.account_log import record_account_change
from sequin_admin.access.models import User
from sequin_admin.core.actors import actor_of
from sequin_admin.core.words import count_words


@login_required
@require_http_methods(["GET", "POST"])
def list_sessions(request: HttpRequest) -> HttpResponse:
    """The person's sessions, the last used first. POST ends all others."""
    user = cast(User, request.user)
    found = UserSession.objects.purge_and_list(user)
    if request.method == "POST":
        others = [each for each in found if not each.is_current()]
        end_sessions(request, others)
        messages.success(request, f"Ended {count_words(len(others), 'other session')}.")
        return redirect("usersessions_list")
    found.sort(key=lambda each: each.last_seen_at, reverse=True)
    return render(request, "usersessions/usersession_list.html", {"sessions": found})


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the person's other sessions; the current one ends with Sign out."""
    rows = UserSession.objects.filter(user=cast(User, request.user))
    session = get_object_or_404(rows.exclude(session_key=request.session.session_key), pk=pk)
    end_sessions(request, [session])
    messages.success(request, f"The session at {session.ip} has ended.")
    return redirect("usersessions_list")


def end_sessions(request: HttpRequest, sessions: list[UserSession]) -> None:
    """Each with an event that says which browser it was, and where."""
    user = cast(User, request.user)
    for session in sessions:
        session.end()
        record_account_change(
            user,
            "user.session_ended",
            actor_of(request),
            ended_address=str(session.ip),
            ended_browser=session.user_agent,
        )
