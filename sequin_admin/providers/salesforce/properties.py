"""What is entered or read of an account, and in which forms it is pasted."""

import re
from typing import Literal

from sequin_admin.credentials.kinds import Properties, Property, Secret
from sequin_admin.credentials.normalizers import host, origin, words

LOGIN_HOST = (
    r"(login|test)\.salesforce\.com"
    r"|[a-z0-9-]+(\.(sandbox|develop|scratch|trailblaze|demo))?\.my\.salesforce\.(com|mil)"
)
INSTANCE = r"https://[a-z0-9.-]+\.(salesforce\.(com|mil)|force\.com)"
PAGES = re.compile(r".*\.((lightning|vf|visual|file)\.force|my\.salesforce-setup)\.com")
OF_PAGES = (
    "This is the address of Salesforce's pages, which programs can't call. Enter the one of My "
    "Domain, which ends in .my.salesforce.com: see Setup > My Domain."
)
OF_ALL = {f"{name}.salesforce.com" for name in ("login", "test", "www", "help", "developer")}
OF_NOBODY = (
    "This is an address of all of Salesforce's customers. Enter the organization's own one, which "
    "ends in .my.salesforce.com: see Setup > My Domain."
)
ORGANIZATION = re.compile(r"(00D[A-Za-z0-9]{12})([A-Za-z0-9]{3})?", re.IGNORECASE)
CHECK_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def login_host(text: str) -> str:
    """Raises `ValueError` for a host of pages."""
    found = host(text)
    if PAGES.fullmatch(found):
        raise ValueError(OF_PAGES)
    return found


def instance_url(text: str) -> str:
    """Raises `ValueError` for a host of pages, and for one that is no organization's own."""
    found = login_host(text)
    if found in OF_ALL:
        raise ValueError(OF_NOBODY)
    return origin(found)


def organization_id(text: str) -> str:
    """The id in 18 characters, in any case, or in 15. Other texts are left as they are.

    The last three characters say which of the first 15 are capitals:
    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
    """
    found = ORGANIZATION.fullmatch(text)
    if not found:
        return text
    base, check = found.groups()
    if check:
        bits = "".join(f"{CHECK_CHARS.find(char):05b}"[::-1] for char in check.upper())
        pairs = zip(base, bits, strict=False)
        base = "".join(char.upper() if bit == "1" else char.lower() for char, bit in pairs)
    made = "".join(CHECK_CHARS[capital_bits(base[at : at + 5])] for at in (0, 5, 10))
    is_whole = check.upper() == made if check else base.startswith("00D")
    return f"{base}{made}" if is_whole else text


def capital_bits(part: str) -> int:
    return sum(1 << index for index, char in enumerate(part) if "A" <= char <= "Z")


class SalesforceProperties(Properties):
    kind: Literal["salesforce_oauth2"]
    instance_url: str = Property(
        "Instance URL",
        example="https://arrakis.my.salesforce.com",
        pattern=INSTANCE,
        normalizer=instance_url,
    )
    refresh_token: Secret = Property("Refresh token")
    scope: str = Property(
        "Scope", help="Space-separated.", example="api refresh_token", normalizer=words(" ")
    )
    sfid: str = Property(
        "Salesforce ID",
        help="The organization's id.",
        example="arrakis",
        normalizer=organization_id,
    )
    user_id: str | None = Property("User ID", extension=True, read_only=True)
    login_host: str = Property(
        "Login host",
        extension=True,
        help="login.salesforce.com, test.salesforce.com for a sandbox, or a My Domain host.",
        example="login.salesforce.com",
        pattern=LOGIN_HOST,
        normalizer=login_host,
        default="login.salesforce.com",
    )
