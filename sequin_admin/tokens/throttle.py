"""Limits how many renewals the workers start per second: per OAuth app and per provider.

Started renewals are counted in the token table, so those that a reader starts count too, although
they are never delayed.
"""

from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q

from sequin_admin.core.clock import DatabaseTime
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import RefreshThrottleLock, Token

SECOND = timedelta(seconds=1)


class RefreshThrottle:
    """Renewals started in the last second, by provider and by kind and OAuth app."""

    def __init__(self, providers: Counter[str], apps: Counter[tuple[str, UUID | None]]) -> None:
        self.providers = providers
        self.apps = apps

    @classmethod
    def now(cls) -> "RefreshThrottle":
        started = Token.objects.filter(tried_at__gt=DatabaseTime(-SECOND))
        groups = started.values_list("credential__kind", "credential__oauth_app")
        providers, apps = Counter[str](), Counter[tuple[str, UUID | None]]()
        for slug, app, count in groups.annotate(count=Count("pk")).order_by():
            kind = kinds.find(slug)
            if kind:
                providers[kind.provider] += count
            if kind and app:
                apps[slug, app] += count
        return cls(providers, apps)

    @classmethod
    def locked(cls) -> "RefreshThrottle":
        """As `now()`, with a lock until the end of the transaction: workers count one at a time."""
        RefreshThrottleLock.objects.select_for_update().get_or_create(pk=1)
        return cls.now()

    def exhausted(self) -> Q:
        """The tokens whose provider or OAuth app has reached its limit."""
        full = [
            kind.slug
            for kind in kinds.all()
            if self.providers[kind.provider] >= kind.refresh_pace.per_provider
        ]
        apps = [
            app
            for (slug, app), count in self.apps.items()
            if count >= kinds.get(slug).refresh_pace.per_app
        ]
        return Q(credential__kind__in=full) | Q(credential__oauth_app__in=apps)

    def try_start(self, credential: Credential) -> bool:
        """Count one more renewal. False when the limit is reached."""
        pace, app = credential.refresh_pace, (credential.kind, credential.oauth_app_id)
        if self.providers[credential.provider] >= pace.per_provider:
            return False
        if credential.oauth_app_id:
            if self.apps[app] >= pace.per_app:
                return False
            self.apps[app] += 1
        self.providers[credential.provider] += 1
        return True
