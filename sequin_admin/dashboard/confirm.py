"""Pages that ask before something is done for good."""

from collections.abc import Callable

from django.contrib import messages
from django.db import models
from django.http import HttpResponse
from django.shortcuts import redirect, render

from sequin_admin.credentials.usage import InUse
from sequin_admin.dashboard.access import Request


def render_question(
    request: Request, *, title: str, text: str, button: str, back: str
) -> HttpResponse:
    """A page with a button that posts, and a link `back`."""
    context = {"title": title, "text": text, "button": button, "back": back}
    return render(request, "components/confirm_page.html", context)


def delete_or_ask(
    request: Request, row: models.Model, delete: Callable[..., object], *, text: str, then: str
) -> HttpResponse:
    """Delete the row when it was confirmed, and go to the list `then`; before that, ask.

    The URL is that of the row's page with `delete/` behind it, which a refusal leads back to.
    """
    back = request.path.removesuffix("delete/")
    if request.method != "POST":
        return render_question(
            request,
            title=f"Delete {row}?",
            text=text,
            button=f"Delete the {row._meta.verbose_name}",
            back=back,
        )
    name = str(row)
    try:
        delete(row, actor=request.user)
    except InUse as error:
        messages.error(request, str(error))
        return redirect(back)
    messages.success(request, f"{name} is deleted.")
    return redirect(then)
