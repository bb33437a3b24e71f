"""Reads environment variables and `.env`; `os.environ` is used nowhere else."""

import json
import os
import re
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from sequin_admin.core.destinations import canonical_host
from sequin_admin.core.networks import parse_network
from sequin_admin.core.wrapping import trim, unwrapped

FERNET_CHARS = 44
ROOT = Path(__file__).resolve().parents[2]


class Environment(FileAwareMapping):  # type: ignore[misc]
    """The environment, where a variable that ends in `_FILE` names a file with the value.

    White space and byte order marks at the ends of a file are its editor's, not the value's.
    Raises `ImproperlyConfigured` for a file that can't be read.
    """

    def __getitem__(self, name: str) -> str:
        file = self.env.get(f"{name}_FILE")
        try:
            value = str(super().__getitem__(name))
        except (OSError, UnicodeDecodeError):
            raise ImproperlyConfigured(
                f"{name}_FILE names {file}, which can't be read here. Name a file of text in UTF-8 "
                "that this process may read."
            ) from None
        return trim(value) if file else value


# What a value of each type looks like.
LOOKS = {int: "a whole number, such as 10", float: "a number, such as 0.5"}
ON_OR_OFF = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0", ""}


def split_commas(value: str) -> list[str]:
    return [text.strip() for text in value.split(",") if text.strip()]


class TypedEnvironment(environ.FileAwareEnv):  # type: ignore[misc]
    """Raises `ImproperlyConfigured` with a sentence for a value that its type can't have."""

    EMAIL_SCHEMES: ClassVar[dict[str, str]] = {
        **environ.Env.EMAIL_SCHEMES,
        "consolemail": "sequin_admin.core.console_mail.EmailBackend",
    }

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Raises `ImproperlyConfigured` for a value that its type can't have."""
        try:
            value = super().get_value(var, cast, *args, **kwargs)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {LOOKS.get(cast, 'JSON')}.") from None
        if cast is bool and str(self.ENVIRON.get(var, "")).strip().lower() not in ON_OR_OFF:
            raise ImproperlyConfigured(f"{var} must be True or False.")
        return value

    def email(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings of the mail server that a URL names.

        Raises `ImproperlyConfigured` for a URL of another sort.
        """
        url = self.str(var, default="") or default
        if url.startswith("smtps:"):
            # TLS from the first byte on, as everywhere; the library would begin without it.
            url = url.replace("smtps", "smtp+ssl", 1)
        try:
            return dict(self.email_url_config(url))
        except ImproperlyConfigured:
            raise ImproperlyConfigured(
                f"{var} must name a mail server, such as smtp+tls://user:password@host:587, or "
                "smtps://user:password@host:465 for one with TLS from the beginning."
            ) from None

    def choice(self, var: str, *choices: str, default: str) -> str:
        """One of `choices`. Raises `ImproperlyConfigured` for anything else."""
        value = str(self.str(var, default=default))
        if value not in choices:
            raise ImproperlyConfigured(f"{var} is {value!r}; use {' or '.join(choices)}.")
        return value

    def keys(self, var: str) -> list[str]:
        """Texts with commas between them, or as a JSON list, in which they may have commas."""
        value = str(self.str(var, default=""))
        try:
            listed = json.loads(value)
        except ValueError:
            listed = None
        if isinstance(listed, list) and all(isinstance(text, str) for text in listed):
            return listed
        return split_commas(value)

    def networks(self, var: str) -> list[str]:
        """Networks with commas between them; none for no value.

        Raises `ImproperlyConfigured` for what is none, and for commas alone: an empty list may mean
        everywhere, and nobody who writes commas means that.
        """
        value = str(self.str(var, default=""))
        try:
            found = [str(parse_network(text)) for text in split_commas(value)]
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} is {value!r}. {error}") from None
        if value.strip() and not found:
            raise ImproperlyConfigured(f"{var} is {value!r}, which names no network. Leave it out.")
        return found

    def base_urls(self, var: str) -> dict[str, str]:
        """Addresses to call in place of hosts, by host, from JSON.

        Raises `ImproperlyConfigured` for anything else.
        """
        try:
            given = json.loads(self.str(var, default="") or "{}")
            return {canonical_host(host): str(base) for host, base in given.items()}
        except (ValueError, AttributeError):
            example = '{"api.hubapi.com": "https://hubspot-proxy.example.com"}'
            raise ImproperlyConfigured(f"{var} must be JSON such as {example}.") from None

    def days(self, var: str, default: int) -> int:
        """A number of days. Raises `ImproperlyConfigured` for less than one."""
        days = int(self.int(var, default=default))
        if days < 1:
            raise ImproperlyConfigured(f"{var} must be 1 or more: the number of days.")
        return days

    def db(self, var: str, default: Any = environ.Env.NOTSET) -> dict[str, Any]:
        """The default's for an empty one. Raises `ImproperlyConfigured` for an address that is
        none."""
        try:
            return database_config(self.get_value(var, default=default) or default)
        except ValueError:
            raise ImproperlyConfigured(
                f"{var} must look like postgresql://user:password@host:5432/name, with %-codes for "
                "signs in the password that an address does not have, and commas between several "
                "hosts."
            ) from None


# Servers of one PostgreSQL, as libpq takes them: the primary and its standbys.
HOSTS = re.compile(r"(?<=[/@])(?P<hosts>[^/@?#]+,[^/@?#]+)(?=[/?#]|$)")


def database_config(url: str) -> dict[str, Any]:
    """Django's settings of a database. `url` may have several hosts, of which the one is used that
    takes writes. Raises `ValueError`."""
    several = HOSTS.search(url) if url.startswith("postgres") else None
    if not several:
        return dict(TypedEnvironment.db_url_config(url))
    hosts = [urlsplit(f"//{host}") for host in several["hosts"].split(",")]
    one = url[: several.start()] + "host" + url[several.end() :]
    config: dict[str, Any] = dict(TypedEnvironment.db_url_config(one))
    config["HOST"] = ",".join(host.hostname or "" for host in hosts)
    config["PORT"] = ",".join(str(host.port or 5432) for host in hosts)
    config["OPTIONS"] = {"target_session_attrs": "read-write", **config.get("OPTIONS", {})}
    return config


env = TypedEnvironment()
env.ENVIRON = Environment()
environ.Env.read_env(ROOT / ".env")


def inherited() -> dict[str, str]:
    """The whole environment, for child processes."""
    return dict(os.environ)


def pasted_token(name: str, value: str) -> str:
    """A token without quotes or the variable's name. Raises `ImproperlyConfigured`."""
    bare = unwrapped(value, re.escape(name))
    if re.search(r"[^\x21-\x7e]", bare):
        raise ImproperlyConfigured(
            f"{name} has white space or other characters within that no token has. Copy it again."
        )
    return bare


def encryption_keys(name: str, values: list[str]) -> list[str]:
    """Fernet keys, without quotes or the variable's name. Raises `ImproperlyConfigured`."""
    keys = [pasted_token(name, value) for value in values if trim(value)]
    for number, key in enumerate(keys, start=1):
        try:
            # The library reads the first of two that are joined.
            usable = bool(Fernet(key)) and len(key) == FERNET_CHARS
        except ValueError:
            usable = False
        if not usable:
            raise ImproperlyConfigured(
                f"Key {number} in {name} is none: 44 characters that end in =, as "
                "`make setup` writes them. Put the whole key there, and commas between several."
            )
    return keys


def public_url(name: str, value: str) -> str:
    """The origin of an address, without a slash. Raises `ImproperlyConfigured`."""
    address = trim(value).removeprefix(f"{name}=").strip("\"'\u201c\u201d")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or re.search(r"[^\x21-\x7e]", address):
        raise ImproperlyConfigured(
            f"{name} must look like https://admin.example.com, with a port if it is not the usual."
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"{name} has a path, and Sequin Admin needs a host of its own: its pages are at the "
            "root. Leave out what follows the host, or give it a subdomain."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def host_header(url: str) -> str:
    """The host of an address as in a `Host` header: IPv6 in brackets."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host
