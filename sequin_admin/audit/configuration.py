"""What of the audit log is set by the environment, read once."""

from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core.env import TypedEnvironment, env


@dataclass(frozen=True)
class AuditConfiguration:
    """For how long events are kept, and where they are exported to each day."""

    # 0: for ever.
    keep_months: int = 0
    export_dir: Path | None = None
    export_url: str = ""
    # As the webhooks' secrets: `whsec_` and 24 to 64 bytes in base64.
    export_secret: str = ""

    @classmethod
    def from_environment(cls, env: TypedEnvironment) -> "AuditConfiguration":
        """Raises `ImproperlyConfigured`."""
        folder = env.str("AUDIT_EXPORT_DIR", default="")
        made = cls(
            keep_months=env.int("KEEP_AUDIT_MONTHS", default=0),
            export_dir=Path(folder) if folder else None,
            export_url=env.str("AUDIT_EXPORT_URL", default=""),
            export_secret=env.str("AUDIT_EXPORT_SECRET", default=""),
        )
        if made.keep_months < 0:
            raise ImproperlyConfigured("KEEP_AUDIT_MONTHS must be 0, which is for ever, or more.")
        if made.export_url and not made.export_secret.startswith("whsec_"):
            raise ImproperlyConfigured(
                "AUDIT_EXPORT_SECRET must be set with AUDIT_EXPORT_URL: whsec_ and 24 random bytes "
                "or more in base64, by which the receiver knows that it is us."
            )
        return made


CONFIGURATION = AuditConfiguration.from_environment(env)
