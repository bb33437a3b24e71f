"""How connections to targets are encrypted."""

from django.db import models


class SslMode(models.TextChoices):
    """libpq's `sslmode`: https://www.postgresql.org/docs/current/libpq-ssl.html"""

    DISABLE = "disable", "Never"
    ALLOW = "allow", "Only when the server insists"
    PREFER = "prefer", "When the server offers it"
    REQUIRE = "require", "Always, any certificate"
    VERIFY_CA = "verify-ca", "Always, certificate of a known authority"
    VERIFY_FULL = "verify-full", "Always, certificate made out to this host"
