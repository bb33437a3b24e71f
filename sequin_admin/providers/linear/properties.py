"""What is entered or read of an account, and in which forms it is pasted."""

from typing import Literal

from sequin_admin.credentials.kinds import MAX_NUMBER, Properties, Property, Secret
from sequin_admin.credentials.normalizers import words


class LinearProperties(Properties):
    kind: Literal["linear_oauth2"]
    access_token: Secret = Property("Access token")
    scope: str = Property(
        "Scope",
        help="Space-separated.",
        example="read write issues:create",
        normalizer=words(" "),
    )
    expires_in_s: int | None = Property(
        "Expires in (s)",
        default=None,
        help="The access token's life when it was issued.",
        minimum=0,
        maximum=MAX_NUMBER,
    )
    linear_org_id: str = Property("Organization ID", example="abc123")
    linear_org_name: str = Property("Organization name", example="Arrakis Inc.")
    refresh_token: Secret | None = Property("Refresh token", extension=True, default=None)
