"""How many renewals a second the tokens of an OAuth app need, and whether its pace allows them."""

from dataclasses import dataclass
from statistics import fmean

from sequin_admin.core.turns import queue_name
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.tokens.lifetimes import RENEWED_AT
from sequin_admin.tokens.models import Token

# Their lifetimes stand for those of all tokens of an app: counting is quick, reading is not.
SAMPLE = 200


@dataclass(frozen=True)
class Demand:
    """`needed` and `allowed` are renewals a second; `tokens` is how many are renewed."""

    tokens: int
    needed: float
    allowed: int

    @property
    def is_short(self) -> bool:
        return self.needed > self.allowed

    @property
    def sentence(self) -> str:
        """What follows from a pace that can't keep up, and what to do."""
        return (
            f"This pace can't keep up: the {self.tokens:,} tokens need about {self.needed:.0f} "
            f"renewals a second, and {self.allowed} may start. Some end before it is their turn, "
            "and whoever reads one waits for the provider. Ask the provider how many it takes, "
            "and raise the pace, or spread the accounts over several apps."
        )


def of_app(app: OAuthApp) -> Demand:
    slugs = [kind.slug for kind in kinds.of_provider(app.provider)]
    queues = [queue_name(app.organization_id, slug, app.pk) for slug in slugs]
    tokens = Token.objects.filter(queue__in=queues, refresh_at__isnull=False)
    lives = [token.lifetime_s for token in tokens.only("issued_at", "expires_at")[:SAMPLE]]
    count, pace = tokens.count(), kinds.with_app(app.provider).refresh_pace
    return Demand(
        tokens=count,
        needed=count * needed_per_token([life for life in lives if life]),
        allowed=min(app.renewals_per_second or pace.per_app, pace.per_provider),
    )


def needed_per_token(lives_s: list[float]) -> float:
    """Renewals a second of one token, the mean for tokens of these lifetimes."""
    renewed_at = fmean(RENEWED_AT)
    return fmean(1 / (life * renewed_at) for life in lives_s) if lives_s else 0.0
