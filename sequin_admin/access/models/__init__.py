"""The tables of people and their rights: who owns a row, and who may do what."""

from sequin_admin.access.models.api_keys import (
    ApiKey,
    ApiKeyQuerySet,
    ApiKeyState,
    IdempotencyRecord,
    Scope,
)
from sequin_admin.access.models.branding import Branding
from sequin_admin.access.models.calendar_feeds import CalendarFeed
from sequin_admin.access.models.endings import EndingStep, OrganizationEnding
from sequin_admin.access.models.former_secrets import FormerSecrets
from sequin_admin.access.models.invitations import Invitation
from sequin_admin.access.models.list_exports import ExportPart, ListExport
from sequin_admin.access.models.list_settings import HiddenColumns, SavedView
from sequin_admin.access.models.memberships import Membership
from sequin_admin.access.models.organizations import Findable, Logo, Organization, OwnedQuerySet
from sequin_admin.access.models.search_texts import (
    Few,
    RowText,
    SearchedQuerySet,
    SearchedRow,
    find_few,
    find_few_with,
    save_texts,
    table_of,
)
from sequin_admin.access.models.sign_in_rules import SignInRules
from sequin_admin.access.models.staff_accesses import StaffAccess
from sequin_admin.access.models.tokens import (
    digest,
    new_invitation_token,
    new_token,
)
from sequin_admin.access.models.users import AccountManager, User

__all__ = [
    "AccountManager",
    "ApiKey",
    "ApiKeyQuerySet",
    "ApiKeyState",
    "Branding",
    "CalendarFeed",
    "EndingStep",
    "ExportPart",
    "Few",
    "Findable",
    "FormerSecrets",
    "HiddenColumns",
    "IdempotencyRecord",
    "Invitation",
    "ListExport",
    "Logo",
    "Membership",
    "Organization",
    "OrganizationEnding",
    "OwnedQuerySet",
    "RowText",
    "SavedView",
    "Scope",
    "SearchedQuerySet",
    "SearchedRow",
    "SignInRules",
    "StaffAccess",
    "User",
    "digest",
    "find_few",
    "find_few_with",
    "new_invitation_token",
    "new_token",
    "save_texts",
    "table_of",
]
