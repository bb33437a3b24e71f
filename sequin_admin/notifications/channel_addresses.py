"""Addresses of channels: mail addresses, and URLs that may be called."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from sequin_admin.core import clock, connections, http
from sequin_admin.core.destinations import needs_no_dns
from sequin_admin.notifications.models import Channel, ChannelKind

MOST_ADDRESSES = 20
URL_CHARS = 2000
URL = r"^https://[^\s/?#@:\[\]]+(:\d{1,5})?([/?#]\S*)?$"


class BadAddress(ValueError):
    """Not a valid address for a channel. `str()` is a sentence for people."""


def set_address(channel: Channel, address: str) -> None:
    """Validate and set the address, unsaved; of Slack the URL is secret. Raises `BadAddress`."""
    if channel.kind_choice is ChannelKind.MAIL:
        channel.address = ", ".join(parse_mail_addresses(address))
        return
    url = validate_url(address)
    channel.address = url
    if channel.kind_choice.hides_address:
        channel.address = f"https://{urlsplit(url).netloc}/..."
        channel.secrets = {"url": url}
        channel.secret_changed_at = clock.now()


def parse_mail_addresses(text: str) -> list[str]:
    """Split addresses at spaces, commas and semicolons. Raises `BadAddress` if any is invalid."""
    found = list(dict.fromkeys(re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))))
    for each in found:
        try:
            validate_email(each)
        except ValidationError:
            message = f"{each[:100]} is not a mail address." if each else "Enter a mail address."
            raise BadAddress(message) from None
    if len(found) > MOST_ADDRESSES:
        raise BadAddress(f"Enter at most {MOST_ADDRESSES} addresses, or use a mailing list.")
    return found


def validate_url(text: str) -> str:
    """The stripped URL. Raises `BadAddress`. Host names are only resolved at each delivery."""
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise BadAddress("This is not an address that can be called.") from None
    if len(url) > URL_CHARS or re.search(r"[\s\x00-\x1f\x7f]", url) or not host:
        raise BadAddress("This is not an address that can be called.")
    if parts.scheme != "https":
        raise BadAddress("Enter an address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("Leave out the user name and password: messages are signed instead.")
    if needs_no_dns(host) and http.base_url(host, provider=False) is None:
        try:
            connections.vetted_addresses(host, port, provider=False)
        except http.Unreachable as error:
            raise BadAddress(str(error)) from None
    return url
