"""The forms of a connect link."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from sequin_admin.connect.models import ConnectLink
from sequin_admin.core.forms import NameField, set_choices, set_queryset
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.credentials.forms import MetadataField
from sequin_admin.credentials.models import Credential, OAuthApp

LIFETIMES = [("1", "1 day"), ("3", "3 days"), ("7", "7 days")]


class LinkDetailsForm(forms.Form):
    """What may change of a link while it is open."""

    name = NameField(
        required=False,
        max_length=200,
        label="Name of the credential",
        help_text="The customer sees it, too. Leave empty to use the account's name.",
    )
    metadata = MetadataField(required=False, help_text="JSON of your own, kept on the credential.")

    contact_email = forms.EmailField(
        required=False,
        max_length=254,
        label="Customer's contact",
        help_text="Whom the link can be mailed to, and later what only the customer can fix.",
    )
    language = forms.ChoiceField(
        required=False,
        choices=(("", "That of the customer's browser"), *LANGUAGES.items()),
        help_text="Of the pages and mails that the customer sees.",
    )

    @classmethod
    def of(cls, link: ConnectLink, data: QueryDict | None) -> "LinkDetailsForm":
        names = ("name", "metadata", "contact_email", "language")
        form = cls(data, initial={name: getattr(link, name) for name in names})
        if link.reconnects_id:
            # Its contact is that of the credential.
            del form.fields["contact_email"]
        return form


class ConnectLinkForm(LinkDetailsForm):
    """Kinds, OAuth app and options of a link; all of one provider."""

    field_order = (
        *("kinds", "oauth_app", "name", "contact_email", "language", "metadata", "days"),
        "redirect_url",
    )

    kinds = forms.MultipleChoiceField(
        label="Ways to connect",
        widget=forms.CheckboxSelectMultiple,
        help_text="The customer chooses among those you tick.",
    )
    oauth_app = forms.ModelChoiceField(
        OAuthApp.objects.none(), label="OAuth app", empty_label=None, required=False
    )
    days = forms.ChoiceField(label="It lasts", choices=LIFETIMES, initial="7")
    redirect_url = forms.ChoiceField(
        required=False,
        label="Afterwards the customer goes to",
        help_text="Redirect URIs of the OAuth app. Without one, a page says thank you.",
    )

    def __init__(
        self, offered: list[type[Credential]], apps: Any, data: QueryDict | None = None
    ) -> None:
        super().__init__(data, initial={"kinds": [offered[0].slug]})
        self.offered = {kind.slug: kind for kind in offered}
        set_choices(self, "kinds", [(kind.slug, kind.full_title()) for kind in offered])
        uris = sorted({uri for app in apps for uri in app.redirect_uris})
        if apps:
            set_queryset(self, "oauth_app", apps)
        else:
            del self.fields["oauth_app"]
        if uris:
            choices = [("", "A page of ours that says thank you"), *((uri, uri) for uri in uris)]
            set_choices(self, "redirect_url", choices)
        else:
            del self.fields["redirect_url"]

    def link_arguments(self) -> dict[str, Any]:
        """The arguments of `links.create()`."""
        given = self.cleaned_data
        return {
            "offered": [self.offered[slug] for slug in given["kinds"]],
            "lasts": timedelta(days=int(given["days"])),
            "oauth_app": given.get("oauth_app"),
            "name": given["name"],
            "metadata": given["metadata"],
            "redirect_url": given.get("redirect_url", ""),
            "contact_email": given["contact_email"],
            "language": given["language"],
        }
