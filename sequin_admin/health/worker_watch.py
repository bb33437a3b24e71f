"""Notices from outside that no worker runs, that none seals the audit log, or that none can mail
the owners of an organization that ends: web processes look every few seconds.

Without one nothing is renewed ahead, probed or delivered, and no message would tell of it. So the
web process that opens the incident mails it itself.
"""

from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail

from sequin_admin.access import endings
from sequin_admin.audit import sealing
from sequin_admin.health import workers
from sequin_admin.health.models import ServiceIncident

log = structlog.get_logger(__name__)
NO_WORKER, UNSEALED, UNMAILED = "no_worker", "audit_unsealed", "owners_unmailed"
# An update stops one worker and starts the next within this time.
MISSING_FOR = timedelta(minutes=1)
OPENED = {
    NO_WORKER: (
        "No worker of Sequin Admin is running",
        "No worker has sent a heartbeat since {since:%Y-%m-%d %H:%M} UTC. Credentials are not "
        "probed, tokens are renewed only when they are read, and messages wait. Start one with "
        "manage.py worker, or look into the log of the one that should run.\n\n{url}/worker/\n",
    ),
    UNSEALED: (
        "The audit log of Sequin Admin is not sealed",
        "Events have waited for their seal since {since:%Y-%m-%d %H:%M} UTC. Until they have one, "
        "the database's owner could change them unseen. The page of the workers has the last error "
        "of the job that seals.\n\n{url}/worker/\n",
    ),
    UNMAILED: (
        "Owners of an organization that ends can't be mailed",
        "Since {since:%Y-%m-%d %H:%M} UTC no owner of an organization could be mailed that it "
        "ends. It is tried again every 10 minutes for four days, then it is erased all the same. "
        "Check the mail settings of this server.\n\n{url}/worker/\n",
    ),
}
RESOLVED = {
    NO_WORKER: (
        "A worker of Sequin Admin is running again",
        "What has waited since {since:%Y-%m-%d %H:%M} UTC is done now.\n\n{url}/worker/\n",
    ),
    UNSEALED: (
        "The audit log of Sequin Admin is sealed again",
        "What has waited since {since:%Y-%m-%d %H:%M} UTC has its seal now. manage.py verify_audit "
        "says whether anything was changed meanwhile.\n\n{url}/worker/\n",
    ),
    UNMAILED: (
        "No organization waits for mails to its owners any more",
        "Owners could not be mailed since {since:%Y-%m-%d %H:%M} UTC. Now they were, or somebody "
        "undid the end, or the time for it is over. The audit log says which.\n\n{url}/worker/\n",
    ),
}


class WorkerWatch:
    """`look()` is called by one thread. A shut-down worker leaves no row that says since when."""

    def __init__(self) -> None:
        self.missing_since: datetime | None = None

    def look(self, now: datetime) -> None:
        """Open the incident when no worker has run for `MISSING_FOR`, resolve it when one runs."""
        if workers.alive(now).exists():
            self.missing_since = None
            resolve(now)
            watch_seals(now)
            watch_mails(now)
            return
        self.missing_since = self.missing_since or now
        if now - self.missing_since >= MISSING_FOR:
            open_once(self.missing_since)


def watch_seals(now: datetime) -> None:
    """Open the incident when an event waits for its seal for too long, resolve it when none does.

    While no worker runs, that is the incident.
    """
    since = sealing.oldest_unsealed()
    if since and now - since >= sealing.LATE_AFTER:
        open_once(since, UNSEALED)
    else:
        resolve(now, UNSEALED)


def watch_mails(now: datetime) -> None:
    """Open the incident while owners of an organization that ends can't be mailed."""
    if since := endings.unmailed_since():
        open_once(since, UNMAILED)
    else:
        resolve(now, UNMAILED)


def open_incident(code: str = NO_WORKER) -> ServiceIncident | None:
    return ServiceIncident.objects.filter(code=code, resolved_at=None).first()


def open_codes() -> dict[str, bool]:
    """By the code of each fault, whether it is there now."""
    listed = ServiceIncident.objects.filter(resolved_at=None).values_list("code", flat=True)
    found = {*listed}
    return {code: code in found for code in OPENED}


def open_once(since: datetime, code: str = NO_WORKER) -> None:
    """Whichever process creates the row tells of it."""
    _, created = ServiceIncident.objects.get_or_create(
        code=code, resolved_at=None, defaults={"opened_at": since}
    )
    if created:
        log.error("service incident opened", code=code, since=since.isoformat())
        tell_staff(OPENED[code], since)


def resolve(now: datetime, code: str = NO_WORKER) -> None:
    incident = open_incident(code)
    if incident is None:
        return
    if ServiceIncident.objects.filter(pk=incident.pk, resolved_at=None).update(resolved_at=now):
        log.info("service incident resolved", code=code)
        tell_staff(RESOLVED[code], incident.opened_at)


def tell_staff(message: tuple[str, str], since: datetime) -> None:
    """Mail the confirmed addresses of staff. Errors are logged: the incident stays."""
    staff = EmailAddress.objects.filter(
        user__is_staff=True, user__is_active=True, verified=True, primary=True
    )
    title, text = message
    text = text.format(since=since, url=settings.PUBLIC_URL)
    try:
        for address in staff.values_list("email", flat=True):
            send_mail(title, text, None, [address])
    except (OSError, SMTPException):
        log.exception("mail about the worker not sent")
