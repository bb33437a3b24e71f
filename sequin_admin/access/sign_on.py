"""Whose account it is that an OpenID provider vouches for, and who gets one.

An address is an identity only when the provider says that it is proven (`email_verified`) and this
server trusts the provider in that (`trust_email`).
"""

from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from sequin_admin.access import addresses, members
from sequin_admin.access.account_log import record_account_change
from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.access.models import Invitation, Membership, Organization, User
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor


class SignOnRefused(Exception):
    """The person gets in nowhere in this way. `str()` is a sentence, `code` for the log."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Identity:
    """What a provider's ID token says about a person. `uid` is a digest of issuer and subject."""

    uid: str
    email: str
    email_verified: bool
    factors: frozenset[str]

    def proves_second_factor(self, provider: IdentityProvider) -> bool:
        return bool(self.factors & provider.second_factor)


@transaction.atomic
def find_or_make_account(provider: IdentityProvider, identity: Identity, actor: Actor) -> User:
    """The account of the proven address; a new one for who is invited or covered by `join`.

    Asked at a person's first sign-on, after which the account is known by the identity. Raises
    `SignOnRefused`.
    """
    email, name = identity.email.lower(), provider.name
    if not email or not identity.email_verified or not provider.trust_email:
        raise SignOnRefused(
            "address_not_proven",
            f"{name} did not prove your address to us, so we can't tell whose account this is. "
            f"Sign in with your password, then connect {name} under Security. Without an account, "
            "open the link in your invitation first.",
        )
    user = addresses.account_of(email)
    if user is not None and not addresses.has_confirmed(user, email):
        raise SignOnRefused(
            "account_not_usable",
            f"The account of {email} is locked, or never confirmed this address. Ask whoever runs "
            "this server.",
        )
    organization = organization_to_join(provider, email)
    if user is None:
        if organization is None and invitation_of(email) is None:
            raise SignOnRefused(
                "no_account",
                f"{email} has no account here, and no open invitation. Ask an owner of your "
                "organization to invite this address.",
            )
        user = User.objects.create_user(username=email, email=email)
        addresses.confirm_address(user)
        made = Actor(user, address=actor.address, user_agent=actor.user_agent)
        record_account_change(user, "user.created_by_sign_on", made, provider=name)
        if organization and provider.join:
            members.add(organization, user, provider.join.role, actor=made)
    return user


def organization_to_join(provider: IdentityProvider, email: str) -> Organization | None:
    """Where the provider's rule makes a person without an account a member. Who has one may have
    been removed there, and is invited."""
    if provider.join is None or not provider.join.covers(email):
        return None
    rows = Organization.objects.filter(slug=provider.join.organization, ends_at=None)
    return rows.first()


def invitation_of(email: str) -> Invitation | None:
    """The open invitation of this address that was sent last."""
    rows = Invitation.objects.acceptable(clock.now()).filter(email=email.lower())
    return rows.order_by("-sent_at").first()


def accounts_at_providers(user: User) -> list[SocialAccount]:
    """The person's accounts at the providers of this server."""
    rows = SocialAccount.objects.filter(user=user, provider__in=settings.OIDC_PROVIDERS)
    return list(rows.order_by("provider"))


def is_member(organization: Organization, user: User) -> bool:
    return Membership.objects.of(organization).filter(user=user).exists()
