"""The form of an OAuth app."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms

from sequin_admin.core.forms import DayField, NameField
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.forms.fields import (
    MetadataField,
    PaceField,
    RedirectURIsField,
    ScopesField,
)
from sequin_admin.credentials.forms.properties import PropertiesForm
from sequin_admin.credentials.kinds import AppProperties, RefreshPace
from sequin_admin.credentials.models import OAuthApp

ENDS_HELP = (
    "Where the provider's developer page gives the client secret an end: the day, in UTC. You are "
    "told 30, 7 and 1 days before. Empty: it has none."
)


class OAuthAppForm(PropertiesForm):
    """Our registration at a provider."""

    properties: AppProperties

    name = NameField(max_length=100, help_text="How the app is called here.")
    client_id = forms.CharField(label="Client ID", max_length=200)
    scopes = ScopesField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="What we ask for, separated by spaces. Empty means the usual ones.",
    )
    redirect_uris = RedirectURIsField(
        required=False,
        label="Redirect URIs of your own product",
        help_text="Where the API's connect flow may send people back to, one per line.",
    )
    renewals_per_second = PaceField(
        required=False,
        min_value=1,
        max_value=oauth_apps.MOST_RENEWALS_PER_SECOND,
        label="Renewals a second",
        help_text="How many tokens may be renewed through this app in a second. Empty means "
        f"{RefreshPace.per_app}: raise it when its page says that it can't keep up, and the "
        "provider allows more.",
    )
    secret_ends_on = DayField("Secret ends on", ENDS_HELP)
    metadata = MetadataField(
        required=False, help_text="JSON of your own, which every search finds."
    )

    def __init__(self, *args: Any, app: OAuthApp | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = [n for n in ("name", "client_id") if n in self.fields]
        self.order_fields([*mine, *self.names])
        if app:
            names = ("name", "client_id", "scopes", "redirect_uris", "metadata")
            self.initial.update({name: getattr(app, name) for name in names})
            self.initial["renewals_per_second"] = app.renewals_per_second or None
            self.initial["secret_ends_on"] = day_of(app.secret_ends_at)
            # Tokens belong to the client id they were issued to.
            self.fields["client_id"].disabled = True

    @classmethod
    def of(cls, app: OAuthApp, data: Mapping[str, object] | None = None) -> "OAuthAppForm":
        return cls(
            app.properties_class, data, app=app, stored=app.properties, kept=dict(app.secrets)
        )

    def secret_ends_at(self, app: OAuthApp | None = None) -> datetime | None:
        """The entered day, from its first moment in UTC; the stored time as long as the day is."""
        return time_of(self.cleaned_data["secret_ends_on"], app)


def day_of(at: datetime | None) -> date | None:
    return at.astimezone(UTC).date() if at else None


def time_of(day: date | None, app: OAuthApp | None) -> datetime | None:
    if app and day == day_of(app.secret_ends_at):
        return app.secret_ends_at
    return datetime.combine(day, time(), UTC) if day else None


class AppSecretsForm(PropertiesForm):
    """New secrets of an app, as its provider issued them. Of several, those left empty stay."""

    properties: AppProperties

    secret_ends_on = DayField("It ends on", ENDS_HELP)

    def secret_ends_at(self) -> datetime | oauth_apps.Kept | None:
        """As entered. An app's other secrets leave the end of its client secret as it is."""
        day = self.cleaned_data["secret_ends_on"]
        is_other = not (day or self.cleaned_data.get("client_secret"))
        return oauth_apps.AS_IT_IS if is_other else time_of(day, None)

    def __init__(self, app: OAuthApp, data: Mapping[str, object] | None = None) -> None:
        declared = app.properties_class
        names = declared.secret_names()
        super().__init__(declared, data, names=names, stored=app.properties, kept=dict(app.secrets))
        fields = [self.fields[name] for name in names]
        fields[0].widget.attrs["autofocus"] = True
        if len(fields) == 1:
            fields[0].required, fields[0].help_text = True, "Paste it as the provider shows it."

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if not self.errors and not any(given.get(name) for name in self.names):
            raise forms.ValidationError("Nothing was saved: paste the new secret.")
        return given

    @classmethod
    def of(cls, app: OAuthApp, data: Mapping[str, object] | None = None) -> "AppSecretsForm":
        return cls(app, data)
