"""How many renewals our workers start in a second: through one OAuth app, and at one provider.

What has started is read from the tokens themselves, so renewals that a reader could not wait for
count as well, though nothing ever holds them up.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import RefreshThrottleLock, Token

SECOND = timedelta(seconds=1)


class RefreshThrottle:
    """What has started in the last second, by provider and by OAuth app."""

    def __init__(self, providers: Counter[str], apps: Counter[Any]) -> None:
        self.providers = providers
        self.apps = apps

    @classmethod
    def at(cls, now: datetime) -> "RefreshThrottle":
        started = Token.objects.filter(tried_at__gt=now - SECOND)
        groups = started.values_list("credential__kind", "credential__oauth_app")
        providers, apps = Counter[str](), Counter[Any]()
        for slug, app, count in groups.annotate(count=Count("pk")).order_by():
            kind = kinds.get(slug)
            if kind:
                providers[kind.provider] += count
            if kind and app:
                apps[slug, app] += count
        return cls(providers, apps)

    @classmethod
    def locked(cls, now: datetime) -> "RefreshThrottle":
        """The same, and until the transaction ends no other worker counts the same room."""
        RefreshThrottleLock.objects.select_for_update().get_or_create(pk=1)
        return cls.at(now)

    def spent(self) -> Q:
        """Tokens that must not start now."""
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

    def admits(self, credential: Credential) -> bool:
        """Whether one more may start. If so, it counts."""
        pace, app = credential.refresh_pace, (credential.kind, credential.oauth_app_id)
        if self.providers[credential.provider] >= pace.per_provider:
            return False
        if credential.oauth_app_id:
            if self.apps[app] >= pace.per_app:
                return False
            self.apps[app] += 1
        self.providers[credential.provider] += 1
        return True
