"""What a person has looked at last, in their session: with the login it ends, and no row is kept of
who looked at what."""

from django.db.models import Model

from sequin_admin.dashboard.access import Request

SHOWN = 8


def remember_viewed(request: Request, entity: str, row: Model) -> None:
    """Put the row first. A page that is loaded again writes nothing."""
    viewed, known = [entity, str(row.pk)], list_viewed(request)
    if known[:1] != [(entity, str(row.pk))]:
        others = [[*each] for each in known if [*each] != viewed]
        request.session[session_key(request)] = [viewed, *others][:SHOWN]


def list_viewed(request: Request) -> list[tuple[str, str]]:
    """Entities and ids, the last one first."""
    return [(entity, pk) for entity, pk in request.session.get(session_key(request), [])]


def session_key(request: Request) -> str:
    return f"viewed:{request.organization.pk}"
