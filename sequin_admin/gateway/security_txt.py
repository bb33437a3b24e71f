"""`/.well-known/security.txt`: where a fault in our security is reported (RFC 9116)."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.core import clock
from sequin_admin.core.env import TypedEnvironment, env

SCHEMES = ("https://", "mailto:", "tel:")


@dataclass(frozen=True)
class SecurityContact:
    """Whom to tell, the best first, and until when that holds. None: nobody is named."""

    contacts: tuple[str, ...] = ()
    expires: str = ""
    policy: str = ""

    @classmethod
    def from_environment(cls, env: TypedEnvironment) -> "SecurityContact":
        """Raises `ImproperlyConfigured`."""
        made = cls(
            contacts=tuple(each.strip() for each in env.list("SECURITY_CONTACT", default=[])),
            expires=env.str("SECURITY_CONTACT_EXPIRES", default=""),
            policy=env.str("SECURITY_POLICY_URL", default=""),
        )
        if any(not contact.startswith(SCHEMES) for contact in made.contacts):
            raise ImproperlyConfigured(
                "SECURITY_CONTACT must be addresses with commas between them, each with its "
                "scheme: mailto:security@example.com, https://example.com/report."
            )
        if made.policy and not made.policy.startswith("https://"):
            raise ImproperlyConfigured("SECURITY_POLICY_URL must begin with https://.")
        if made.contacts and not is_time(made.expires):
            raise ImproperlyConfigured(
                "SECURITY_CONTACT_EXPIRES must be set with SECURITY_CONTACT: a time within a year, "
                "such as 2027-06-30T00:00:00Z."
            )
        return made

    def is_over(self) -> bool:
        """Whether what it says held only until now (RFC 9116 section 2.5.5)."""
        return bool(self.contacts) and datetime.fromisoformat(self.expires) <= clock.now()

    def text(self) -> str:
        fields = [
            *(("Contact", contact) for contact in self.contacts),
            ("Expires", self.expires),
            ("Canonical", settings.PUBLIC_URL + reverse("gateway:security_txt")),
            *([("Policy", self.policy)] if self.policy else []),
        ]
        return "".join(f"{name}: {value}\n" for name, value in fields)


def is_time(text: str) -> bool:
    """Whether it is one with a time zone, as RFC 3339 has it."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        return False


CONTACT = SecurityContact.from_environment(env)


@register(Tags.security)
def check_security_contact(**kwargs: object) -> list[Warning]:
    """Warn once the contact holds no longer: the address answers 404 then."""
    if not CONTACT.is_over():
        return []
    return [
        Warning(
            f"SECURITY_CONTACT_EXPIRES ({CONTACT.expires}) has passed, so that "
            "/.well-known/security.txt is no longer there.",
            hint="Check the contact, and set a time within the coming year.",
            id="sequin_admin.W002",
        )
    ]


@require_GET
def security_txt(request: HttpRequest) -> HttpResponse:
    """Raises `Http404` where no contact is set, or the one that is holds no longer."""
    if not CONTACT.contacts or CONTACT.is_over():
        raise Http404
    return HttpResponse(CONTACT.text(), content_type="text/plain; charset=utf-8")
