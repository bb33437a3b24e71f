"""How many renewals a second the tokens of an OAuth app need, and whether its pace allows them."""

from dataclasses import dataclass
from statistics import fmean

from sequin_admin.core.turns import queue_name
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import RefreshPace
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.tokens.lifetimes import RENEWED_AT
from sequin_admin.tokens.models import Token

# Their lifetimes stand for those of all tokens of an app: counting is quick, reading is not.
SAMPLE = 200


@dataclass(frozen=True)
class Demand:
    """`tokens` is how many are renewed; the others are renewals a second.

    With fewer than `needed` they are renewed later than planned, and with fewer than `least` after
    they have ended.
    """

    tokens: int
    needed: float
    least: float
    allowed: int

    @property
    def is_short(self) -> bool:
        return self.needed > self.allowed

    @property
    def sentence(self) -> str:
        """What follows from a pace that can't keep up, and what to do."""
        follows = (
            "Some end before it is their turn, and whoever reads one waits for the provider."
            if self.allowed < self.least
            else "They are renewed late, but before they end."
        )
        return (
            f"This pace can't keep up: the {self.tokens:,} tokens need about {self.needed:.0f} "
            f"renewals a second, and {self.allowed} may start. {follows} Ask the provider how "
            "many it takes, and raise the pace, or spread the accounts over several apps."
        )


def of_app(app: OAuthApp) -> Demand:
    slugs = [kind.slug for kind in kinds.of_provider(app.provider)]
    queues = [queue_name(app.organization_id, slug, app.pk) for slug in slugs]
    tokens = Token.objects.filter(queue__in=queues, refresh_at__isnull=False)
    lives = [token.lifetime_s for token in tokens.only("issued_at", "expires_at")[:SAMPLE]]
    kind = kinds.with_app(app.provider)
    pace = kind.refresh_pace if kind else RefreshPace()
    allowed = min(app.renewals_per_second or pace.per_app, pace.per_provider)
    return compute_demand(tokens.count(), [life for life in lives if life], allowed)


def compute_demand(tokens: int, lives_s: list[float], allowed: int) -> Demand:
    """For `tokens` tokens, of which `lives_s` is a sample of their lifetimes in seconds."""
    each = fmean(1 / life for life in lives_s) if lives_s else 0.0
    planned = fmean(RENEWED_AT)
    latest = planned + 1 - max(RENEWED_AT)
    return Demand(tokens, tokens * each / planned, tokens * each / latest, allowed)
