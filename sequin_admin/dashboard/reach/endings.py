"""What the end of an organization reaches."""

from collections import Counter

from django.db.models import Count, Model, QuerySet

from sequin_admin.access import configuration
from sequin_admin.access.endings import REMINDED_BEFORE
from sequin_admin.access.models import ApiKey, Membership, Organization
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.concrete import noun
from sequin_admin.core.counts import count_of
from sequin_admin.core.words import count_words
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.reach.model import Reach
from sequin_admin.syncs.models import Consumer, Stream, Sync, Target

OWNED: tuple[type[Model], ...] = (OAuthApp, Sync, Stream, Consumer, Target, ApiKey, Membership)


def ending_organization(organization: Organization) -> Reach:
    wait = configuration.CONFIGURATION.wait
    days = wait.days
    again = (
        "They are mailed once more a day before. While none of them can be, it waits, for three "
        "days more at most."
    )
    credentials = Credential.objects.of(organization)
    return Reach(
        stops=(
            "At once: nothing is renewed, probed, synced or delivered, and keys can only read.",
            f"In {count_words(days, 'day')}: access is given back at the providers, where they let "
            "us, and everything is erased for good:",
            *list_credentials(credentials),
            *list_owned(organization),
            "Its health, usage, messages, settings and audit log",
        ),
        stays=(
            f"Until then, everything. Each owner can undo it for {count_words(days, 'day')}.",
            *([again] if wait > REMINDED_BEFORE else []),
            "The accounts of its people, without this organization.",
            "One entry in the audit log of this installation: that it was erased, when, and "
            "how much.",
        ),
    )


def list_credentials(rows: QuerySet[Credential]) -> list[str]:
    """How many credentials, by provider."""
    by_provider = Counter[str]()
    for slug, number in rows.order_by().values_list("kind").annotate(Count("pk")):
        kind = kinds.find(slug)
        by_provider[kind.provider_title if kind else slug] += number
    counts = sorted(by_provider.items())
    return [f"{number:,} {noun(Credential, number)} at {title}" for title, number in counts]


def list_owned(organization: Organization) -> list[str]:
    """How many rows of other sorts, in one query."""
    rows: dict[str, QuerySet[Model]] = {
        model._meta.label: model._base_manager.all() for model in OWNED
    }
    rows["open"] = ConnectLink.objects.all().open(clock.now())
    counts = [count_of(each, "organization") for each in rows.values()]
    numbers = Organization.objects.filter(pk=organization.pk).values_list(*counts).get()
    return [
        f"{number:,} {'open ' * (label == 'open')}{noun(each.model, number)}"
        for (label, each), number in zip(rows.items(), numbers, strict=True)
        if number
    ]
