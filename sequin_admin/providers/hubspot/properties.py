"""What is entered or read of an account, and in which forms it is pasted."""

import re
from typing import Literal

from sequin_admin.credentials.kinds import MAX_NUMBER, Properties, Property, Secret
from sequin_admin.credentials.normalizers import address_of, host, number_named, segments


def account_number(text: str) -> str:
    """The account of https://app.hubspot.com/contacts/21902692/..., or of ?portalId=21902692."""
    parts = address_of(text)
    of_app = parts and re.fullmatch(r"app(-[a-z]{2}[0-9])?\.hubspot\.com", parts.netloc)
    path = segments(parts) if parts and of_app else []
    in_path = next((part for part in path if part.isdecimal()), "")
    return in_path or number_named("portalId", "hubId", "hub_id")(text)


class HubSpotProperties(Properties):
    kind: Literal["hubspot_oauth2"]
    hub_domain: str | None = Property(
        "Hub domain",
        help="The account's domain.",
        example="arrakis.io",
        default=None,
        normalizer=host,
    )
    hub_id: int = Property(
        "Hub ID",
        help="The account's number.",
        example="21902692",
        minimum=1,
        maximum=MAX_NUMBER,
        normalizer=account_number,
    )
    refresh_token: Secret = Property("Refresh token")
    scopes: list[str] = Property("Scopes", help="What the account granted.")
    user_id: int | None = Property(
        "User ID",
        extension=True,
        read_only=True,
        help="Who connected it.",
        minimum=1,
        maximum=MAX_NUMBER,
    )
    time_zone: str | None = Property("Time zone", extension=True, read_only=True)
