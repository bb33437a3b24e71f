"""The OpenID providers that people may sign on through, from the variable `OIDC_PROVIDERS`."""

import json
import re
from typing import Annotated, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SECURE = re.compile(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/]")
LOOKS = (
    'OIDC_PROVIDERS must be a JSON object such as {"okta": {"name": "Okta", "issuer": '
    '"https://example.okta.com", "client_id": "...", "client_secret": "..."}}'
)
# Settings of allauth about second factors and sign-on.
SIGN_ON = {
    "MFA_ADAPTER": "sequin_admin.access.second_factors.SecondFactorAdapter",
    "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
    "MFA_PASSKEY_LOGIN_ENABLED": True,
    # Log-in needs a confirmed address; one that waits for it must not block a second factor.
    "MFA_ALLOW_UNVERIFIED_EMAIL": True,
    "SOCIALACCOUNT_ADAPTER": "sequin_admin.dashboard.sign_on.SignOnAdapter",
}
# A host alone. Of an address with a scheme or a port nothing would be taken.
HOST = r"^[^\s/:@?#]+$|^\[[0-9A-Fa-f:.]+\]$"
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Host = Annotated[str, Field(pattern=HOST), AfterValidator(lambda host: host.lower().strip("[]"))]


class JoinRule(BaseModel):
    """Whose first sign-on makes them a member, without an invitation, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organization: str
    domains: frozenset[str] = Field(min_length=1)
    # Owners are invited.
    role: Literal["viewer", "member", "admin"] = "member"

    def covers(self, email: str) -> bool:
        return email.lower().rpartition("@")[2] in {each.lower() for each in self.domains}


class IdentityProvider(BaseModel):
    """`trust_email`: whoever it says has a proven address is the account of that address.

    `second_factor` are values of its claims `amr` or `acr` that prove one. `hosts` are hosts of its
    in a private network, besides the issuer's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40)
    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: str = Field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    trust_email: bool = False
    second_factor: frozenset[str] = frozenset()
    hosts: frozenset[Host] = frozenset()
    join: JoinRule | None = None


Providers = TypeAdapter(dict[Slug, IdentityProvider])


def read_providers(text: str) -> dict[str, IdentityProvider]:
    """By slug. Raises `ImproperlyConfigured`, without the values."""
    try:
        found = Providers.validate_python(json.loads(text or "{}"))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise ImproperlyConfigured(f"{LOOKS}. {wrong}.") from None
    except ValueError:
        raise ImproperlyConfigured(f"{LOOKS}.") from None
    for slug, provider in found.items():
        if not SECURE.match(provider.issuer):
            raise ImproperlyConfigured(
                f"The issuer of {slug} in OIDC_PROVIDERS must begin with https://."
            )
    return found
