"""Keeps how a member wants to see lists. Not audited: it changes nothing for anybody else."""

from collections.abc import Iterable

from django.db import transaction

from sequin_admin.access.models import HiddenColumns, Membership, SavedView

# Views of one list, and characters of a name.
MOST, LONGEST = 20, 40
QUERY_CHARS = 2000


class BadView(Exception):
    """It can't be kept. `str()` is a sentence."""


@transaction.atomic
def save_view(membership: Membership, listed: str, name: str, query: str) -> SavedView:
    """Give the query string of a list a name. Raises `BadView`."""
    if not 1 <= len(name) <= LONGEST:
        raise BadView(f"Give the view a name of 1 to {LONGEST} characters.")
    if not query:
        raise BadView("Search, filter or sort the list first: a view is what you see then.")
    if len(query) > QUERY_CHARS:
        raise BadView("The search is too long to be saved. Shorten it, then save the view.")
    lock_membership(membership)
    views = saved_views(membership, listed)
    if any(view.name == name for view in views):
        raise BadView(f"You have a view named {name} here. Delete it or choose another name.")
    if len(views) >= MOST:
        raise BadView(f"You have {MOST} views of this list, the most there can be. Delete one.")
    return SavedView.objects.create(membership=membership, listed=listed, name=name, query=query)


def saved_views(membership: Membership, listed: str) -> list[SavedView]:
    rows = SavedView.objects.filter(membership=membership.pk, listed=listed)
    return list(rows.order_by("name"))


@transaction.atomic
def hide_columns(membership: Membership, listed: str, columns: Iterable[str]) -> None:
    """Show the member this list without these columns from now on. Raises `BadView`."""
    lock_membership(membership)
    HiddenColumns.objects.update_or_create(
        membership=membership, listed=listed, defaults={"columns": sorted(columns)}
    )


def hidden_columns(membership: Membership, listed: str) -> list[str]:
    rows = HiddenColumns.objects.filter(membership=membership.pk, listed=listed)
    row = rows.first()
    return row.columns if row else []


def lock_membership(membership: Membership) -> None:
    """One request of a member at a time, so that two don't pass a limit. Raises `BadView` when it
    ended, and for staff access, whose membership is not stored."""
    rows = Membership.objects.select_for_update().filter(pk=membership.pk)
    if not rows.first():
        raise BadView("Only members of the organization keep views and columns.")
