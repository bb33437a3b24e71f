"""What an organization asks of a sign-in: whether one meets it, and what may be saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import models, transaction

from sequin_admin.access.models import Membership, Organization, SignInRules, User
from sequin_admin.access.organizations import lock_organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.networks import Address, allows_address
from sequin_admin.core.words import count_words

# Each with what `manage.py reset_sign_in_rules` sets it to.
NO_RULES: dict[str, Any] = {
    "second_factor": False,
    "provider": "",
    "longest_minutes": None,
    "idle_minutes": None,
    "networks": [],
}
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
MINUTE_S = 60


@dataclass(frozen=True)
class SignIn:
    """How, when and from where the person of a session signed in; times in seconds since 1970.

    `own_factor`: a second factor of the account was used in this session; `outer_factor`: the
    OpenID provider says that it asked for one.
    """

    user: User
    began_at: float
    active_at: float
    address: Address | None
    providers: frozenset[str] = frozenset()
    own_factor: bool = False
    outer_factor: bool = False


class Unmet(models.TextChoices):
    """The first rule that a sign-in does not meet."""

    NETWORK = "network"
    SIGN_ON = "sign_on"
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True)
class Closed:
    """A membership whose organization is closed to a sign-in, and for what."""

    membership: Membership
    unmet: Unmet


class ShutsOut(ValueError):
    """The rules would shut out who saves them. `fields` has a sentence for each."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


def rules_of(organization: Organization) -> SignInRules:
    """The stored ones, or unsaved ones that ask for nothing."""
    try:
        return organization.sign_in_rules
    except SignInRules.DoesNotExist:
        return SignInRules(organization=organization)


def find_end(rules: Iterable[SignInRules], sign_in: SignIn, now: float) -> str:
    """Why a session that works under these rules is over; "" while it is not."""
    for each in rules:
        longest, idle = each.longest_minutes, each.idle_minutes
        if longest and now - sign_in.began_at >= longest * MINUTE_S:
            return f"{each.organization} ends sessions {in_words(longest)} after the sign-in."
        if idle and now - sign_in.active_at >= idle * MINUTE_S:
            return f"{each.organization} ends sessions after {in_words(idle)} without activity."
    return ""


def in_words(minutes: int) -> str:
    return count_words(*((minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")))


def find_unmet(
    membership: Membership, sign_in: SignIn, *, in_staff_admin: bool = False
) -> Unmet | None:
    """The first rule of the membership's organization that the sign-in does not meet.

    Staff are no people of the organization's provider: they need a second factor in its place. Out
    of the staff admin no owner of an organization can shut them.
    """
    rules = rules_of(membership.organization)
    if not in_staff_admin and not allows_address(rules.networks, sign_in.address):
        return Unmet.NETWORK
    is_staff = in_staff_admin or membership.staff_access is not None
    if rules.provider and not is_staff and rules.provider not in sign_in.providers:
        return Unmet.SIGN_ON
    asks_factor = rules.second_factor or (rules.provider and is_staff)
    if asks_factor and not has_second_factor(sign_in):
        return Unmet.SECOND_FACTOR
    return None


def find_closed(
    memberships: Iterable[Membership], sign_in: SignIn, *, in_staff_admin: bool = False
) -> Closed | None:
    """The first of the memberships whose organization is closed to the sign-in."""
    for membership in memberships:
        if unmet := find_unmet(membership, sign_in, in_staff_admin=in_staff_admin):
            return Closed(membership, unmet)
    return None


def has_second_factor(sign_in: SignIn) -> bool:
    if sign_in.outer_factor:
        return True
    return sign_in.own_factor and has_factor(sign_in.user)


def has_factor(user: User) -> bool:
    """Whether the account has an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


@transaction.atomic
def save_rules(
    organization: Organization, values: dict[str, Any], sign_in: SignIn, *, actor: AnyActor
) -> SignInRules:
    """Store `values`, of `NO_RULES`; what is left out stays. Raises `ShutsOut`."""
    lock_organization(organization)
    row = SignInRules.objects.filter(pk=organization.pk).first()
    row = row or SignInRules(organization=organization)
    before = {name: getattr(row, name) for name in NO_RULES}
    after = {**before, **values}
    refuse_shutting_out(before, after, sign_in)
    write_rules(row, before, after, "organization.sign_in_rules_changed", actor)
    return row


def refuse_shutting_out(before: dict[str, Any], after: dict[str, Any], sign_in: SignIn) -> None:
    """Raises `ShutsOut`."""
    fields = dict[str, str]()
    provider = after["provider"]
    if provider and provider not in settings.OIDC_PROVIDERS:
        fields["provider"] = "This server has no such provider."
    elif provider != before["provider"] and provider and provider not in sign_in.providers:
        fields["provider"] = (
            f"Sign on through {settings.OIDC_PROVIDERS[provider].name} yourself first, so that we "
            "know that you are not shut out."
        )
    if not allows_address(after["networks"], sign_in.address):
        fields["networks"] = (
            f"You come from {sign_in.address or 'an unknown address'}, which is in none of these "
            "networks, so saving them would shut you out. Add it."
        )
    if fields:
        raise ShutsOut(fields)


@transaction.atomic
def reset_rules(organization: Organization, names: Iterable[str], *, actor: AnyActor) -> list[str]:
    """Ask no more for what `names` says, all of `NO_RULES` or some; the names that changed."""
    lock_organization(organization)
    row = SignInRules.objects.filter(pk=organization.pk).first()
    if row is None:
        return []
    before = {name: getattr(row, name) for name in NO_RULES}
    after = {**before, **{name: NO_RULES[name] for name in names}}
    return write_rules(row, before, after, "organization.sign_in_rules_reset", actor)


def write_rules(
    row: SignInRules,
    before: dict[str, Any],
    after: dict[str, Any],
    action: str,
    actor: AnyActor,
) -> list[str]:
    """Store what changed, with an event; the names of it."""
    changed = [name for name in NO_RULES if before[name] != after[name]]
    if not changed:
        return []
    for name in changed:
        setattr(row, name, after[name])
    row.changed_at = clock.now()
    row.save()
    record_change(
        row.organization,
        action,
        actor,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return changed
