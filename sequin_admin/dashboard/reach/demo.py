"""What removing the demo reaches."""

from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from sequin_admin.core.concrete import noun
from sequin_admin.dashboard.reach.model import NAMED, Affected, Reach
from sequin_admin.demo.models import Demo
from sequin_admin.demo.removal import plan_removal

LOG = "What happened until now, in the audit log, and the accounts at the simulator."


def removing_demo(demo: Demo) -> Reach:
    plan = plan_removal(demo)
    kept = plan.examples(NAMED)
    needed = Affected(
        plan.kept_count,
        "row of the demo" if plan.kept_count == 1 else "rows of the demo",
        "that yours need, with what they need themselves",
        [(f"{each.row}, for {each.needed_by}", page_of(each.row)) for each in kept],
    )
    return Reach(
        stops=(*plan.words(), "The health, usage and messages of these"),
        stays=(
            f"{demo.organization}, its people, and everything that they have added",
            needed if plan.kept_count else None,
            LOG,
        ),
    )


def page_of(row: Model) -> str:
    """The row's page."""
    name = noun(row).lower().replace(" ", "_")
    try:
        return reverse(f"dashboard:{name}", args=[row.pk])
    except NoReverseMatch:
        return reverse("dashboard:overview")
