"""What the pages say about a credential that was saved."""

from django.contrib import messages

from sequin_admin.connect.credential_operations import Saved
from sequin_admin.credentials.properties import Properties
from sequin_admin.dashboard.access import Request


def show_saved(request: Request, saved: Saved) -> None:
    """Say what was saved."""
    if saved.is_new:
        done = "is saved"
    elif saved.change.names:
        done = "was here already and has what was entered"
    else:
        done = "was here already with the same secrets and properties: they stay as they are"
    messages.success(request, f"{saved.credential} {done}.")


def show_notices(request: Request, properties: Properties, saved: Saved | None = None) -> None:
    """Say what was not taken, what is kept in another form, and what may have been copied along:
    in the order of `notice` in the API, after what was saved."""
    not_taken = [saved.change.notice] if saved and saved.change.notice else []
    for sentence in (*not_taken, *properties.remarks()):
        messages.warning(request, sentence)
