"""Creates the credentials of a chaos run, each through the real OAuth flow."""

from dataclasses import dataclass

from django.conf import settings

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import flow
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.tools.simulator import SimulatorControl


class DatabaseNotEmpty(Exception):
    """The database has data in it. `str()` says what to do."""


@dataclass(frozen=True)
class AccountPattern:
    """The accounts of one kind: copies of the simulator's account `like`, named by number."""

    like: str
    name: str
    required_property: str = ""

    def account(self, number: int) -> str:
        return self.name.format(number)


# Kinds that rotate refresh tokens, with the names of their accounts in the simulator.
ACCOUNT_PATTERNS = {
    "linear_oauth2": AccountPattern("abc123", "chaos{:05}"),
    "quickbooks_oauth2": AccountPattern("4620816365001234567", "462081636600{:07}"),
    "shopify_oauth2": AccountPattern(
        "shop-001.myshopify.com", "chaos-{:05}.myshopify.com", required_property="shop"
    ),
    "airtable_oauth2": AccountPattern("usrziLeD23j9AJ1", "usrChaos{:05}"),
}


def make_credentials(slugs: list[str], count: int) -> None:
    """Connect `count` credentials, spread over the kinds. Raises `DatabaseNotEmpty`."""
    if User.objects.exists() or Organization.objects.exists():
        raise DatabaseNotEmpty("This database is in use. Chaos takes an empty one.")
    organization = Organization.objects.create(name="Chaos", slug="chaos")
    simulator = SimulatorControl(settings.SIMULATOR_URL)
    for index, slug in enumerate(slugs):
        share = count // len(slugs) + (index < count % len(slugs))
        connect(organization, simulator, kinds.get_oauth(slug), share)


def connect(
    organization: Organization, simulator: SimulatorControl, kind: type[OAuthKind], count: int
) -> None:
    """Connect so many accounts of a kind. Raises `RuntimeError` when one fails."""
    pattern = ACCOUNT_PATTERNS[kind.slug]
    accounts = [pattern.account(number) for number in range(count)]
    simulator.populate(kind.provider, pattern.like, accounts)
    app = simulator.register(organization, kind)
    for account in accounts:
        asked = {pattern.required_property: account} if pattern.required_property else {}
        url = flow.start(organization, kind, session_key="chaos", oauth_app=app, inputs=asked)
        back = simulator.consent(url, account)
        connect_session = flow.finish(back, user=None, session_key="chaos", provider=kind.provider)
        if connect_session.credential is None:
            raise RuntimeError(connect_session.failure)
