"""Forms generated from declared properties. A stored secret is never rendered into a page."""

from sequin_admin.credentials.forms.credential import MOVED, ConnectForm, CredentialForm
from sequin_admin.credentials.forms.fields import (
    KEEP,
    BlankPassword,
    MetadataField,
    RedirectURIsField,
    WordsField,
    plain_type,
)
from sequin_admin.credentials.forms.oauth_app import AppSecretsForm, OAuthAppForm
from sequin_admin.credentials.forms.properties import (
    AGAIN,
    PropertiesForm,
    input_names,
    sentence_of,
    title_of,
)

__all__ = [
    "AGAIN",
    "KEEP",
    "MOVED",
    "AppSecretsForm",
    "BlankPassword",
    "ConnectForm",
    "CredentialForm",
    "MetadataField",
    "OAuthAppForm",
    "PropertiesForm",
    "RedirectURIsField",
    "WordsField",
    "input_names",
    "plain_type",
    "sentence_of",
    "title_of",
]
