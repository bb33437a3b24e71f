"""How organizations end, and how long former secrets are kept: of the environment, read once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core import clock
from sequin_admin.core.env import TypedEnvironment, env


@dataclass(frozen=True)
class EndingConfiguration:
    """How long an end can be undone, and how long giving access back is tried after that."""

    wait: timedelta = timedelta(days=7)
    tries_for: timedelta = timedelta(days=1)

    @classmethod
    def from_environment(cls, env: TypedEnvironment) -> "EndingConfiguration":
        """Raises `ImproperlyConfigured`."""
        return cls(
            wait=timedelta(days=env.days("ORGANIZATION_END_DAYS", default=7)),
            tries_for=timedelta(days=env.days("ORGANIZATION_END_REVOKE_DAYS", default=1)),
        )


@dataclass(frozen=True)
class KeptSecrets:
    """How many replaced secrets of each owner are kept, and for how long. 0: none."""

    most: int = 3
    days: int = 30

    @classmethod
    def from_environment(cls, env: TypedEnvironment) -> "KeptSecrets":
        """Raises `ImproperlyConfigured`."""
        made = cls(env.int("KEEP_SECRETS", default=3), env.int("KEEP_SECRETS_DAYS", default=30))
        if made.most < 0 or made.days < 0:
            raise ImproperlyConfigured(
                "KEEP_SECRETS and KEEP_SECRETS_DAYS must be 0, which keeps none, or more."
            )
        return made if made.days else cls(most=0, days=0)

    def since(self) -> datetime:
        return clock.now() - timedelta(days=self.days)


CONFIGURATION = EndingConfiguration.from_environment(env)
KEPT = KeptSecrets.from_environment(env)
