"""Connect links and their mails, authorization requests, connect sessions and bulk actions."""

from sequin_admin.connect.models.access_returns import AccessReturn
from sequin_admin.connect.models.authorization_requests import AuthorizationRequest
from sequin_admin.connect.models.batches import Batch, BatchAction, BatchItem
from sequin_admin.connect.models.links import (
    ENDED,
    ConnectLink,
    ConnectLinkQuerySet,
    ConnectLinkText,
    LinkState,
)
from sequin_admin.connect.models.mails import (
    LinkMail,
    MailCount,
    MailPurpose,
    MailSettings,
    MailTemplate,
)
from sequin_admin.connect.models.sessions import ConnectSession

__all__ = [
    "ENDED",
    "AccessReturn",
    "AuthorizationRequest",
    "Batch",
    "BatchAction",
    "BatchItem",
    "ConnectLink",
    "ConnectLinkQuerySet",
    "ConnectLinkText",
    "ConnectSession",
    "LinkMail",
    "LinkState",
    "MailCount",
    "MailPurpose",
    "MailSettings",
    "MailTemplate",
]
