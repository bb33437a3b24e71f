"""Developers' apps at a provider, and the accounts of customers."""

from django.db import models

from sequin_admin.core.prepared import PreparedQuery


class SimulatedClient(models.Model):
    """A developer's app at a provider: ours, or that of the customer whose account is `owner`."""

    provider = models.CharField(max_length=40)
    owner = models.CharField(max_length=100, blank=True, default="")
    client_id = models.CharField(max_length=200)
    client_secret = models.CharField(max_length=200)
    redirect_uris = models.JSONField(default=list)
    extra = models.JSONField(default=dict)

    def extras(self) -> list[tuple[str, str, str]]:
        """Name, label and value of the other fields on the developer page."""
        return [(n, n.replace("_", " ").capitalize(), str(v)) for n, v in self.extra.items()]


class SimulatedAccount(models.Model):
    """A customer's account. `state` holds the flags set on the control page (`suspend`...).

    `heart` says how its rows change: `beats` are pairs of a moment (ms) and the changes an hour
    from then on, `collections` are counts of rows and when they began (ms), by collection, if other
    than usual.
    """

    provider = models.CharField(max_length=40)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    data = models.JSONField(default=dict)
    state = models.JSONField(default=list)
    heart = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("provider", "external_id"), name="account_once"),
        )

    def __str__(self) -> str:
        return self.name

    def has(self, flag: str) -> bool:
        return flag in self.state

    def set_flag(self, flag: str, on: bool = True) -> None:
        self.state = sorted({*self.state, flag} if on else set(self.state) - {flag})
        self.save(update_fields=["state"])


CLIENT = PreparedQuery(
    lambda provider, client_id: SimulatedClient.objects.filter(
        provider=provider, client_id=client_id
    ).order_by("pk"),
    {"provider": (models.CharField(), "a provider"), "client_id": (models.CharField(), "an id")},
)
CLIENT_OF = PreparedQuery(
    lambda provider, client_id, owner: SimulatedClient.objects.filter(
        provider=provider, client_id=client_id, owner=owner
    ).order_by("pk"),
    {
        "provider": (models.CharField(), "a provider"),
        "client_id": (models.CharField(), "an id"),
        "owner": (models.CharField(), "an owner"),
    },
)
