"""Pages that ask before something stops or is gone: they show what it reaches."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.db import models
from django.http import HttpResponse
from django.shortcuts import redirect, render

from sequin_admin.core.actors import actor_of
from sequin_admin.credentials.usage import InUse
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.reach.model import Reach

Row = TypeVar("Row", bound=models.Model)


def render_question(
    request: Request,
    *,
    title: str,
    button: str,
    back: str,
    reach: Reach | None = None,
    text: str = "",
    status: int = 200,
    **more: object,
) -> HttpResponse:
    """A page with a button that posts, and a link `back`.

    `text` stands above what it reaches; breadcrumbs name the `row` in `more`, and `pending` there
    is what the button says while it waits. Without the button when that says why it is refused.
    """
    context = {"title": title, "button": button, "back": back, "reach": reach, "text": text, **more}
    return render(request, "components/confirm_page.html", context, status=status)


def delete_or_ask(
    request: Request,
    row: Row,
    delete: Callable[..., object],
    *,
    reach: Callable[[Row], Reach],
    then: str,
) -> HttpResponse:
    """Delete the row when it was confirmed, and go to the list `then`; before that, ask.

    The URL is that of the row's page with `delete/` behind it.
    """
    name, status = str(row), 200
    if request.method == "POST":
        try:
            delete(row, actor=actor_of(request))
        except InUse:
            # The page says by whom: what it reaches is read after the refusal.
            status = 409
        else:
            messages.success(request, f"{name} is deleted.")
            return redirect(then)
    return render_question(
        request,
        title=f"Delete {name}?",
        button=f"Delete {name}",
        back=request.path.removesuffix("delete/"),
        reach=reach(row),
        status=status,
        row=row,
    )


def disable_or_ask(
    request: Request,
    row: Row,
    disable: Callable[..., object],
    *,
    reach: Callable[[Row], Reach],
    done: str,
) -> HttpResponse:
    """Disable the row when it was confirmed, say so in `done`, and offer to undo it; before, ask.

    The URL is that of the row's page with `disable/` behind it, and `enable/` undoes it.
    """
    back = request.path.removesuffix("disable/")
    if request.method == "POST":
        disable(row, actor=actor_of(request))
        # The message has a button that posts there.
        messages.success(request, done, extra_tags=f"{back}enable/")
        return redirect(back)
    title = f"Disable {row}"
    return render_question(
        request, title=f"{title}?", button=title, back=back, reach=reach(row), row=row
    )
