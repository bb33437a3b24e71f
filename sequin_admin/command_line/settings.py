"""The server's address and the API key: from options, the environment or `login`."""

import json
import os
import re
import string
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from sequin_admin.command_line.endings import Misused

URL_VARIABLE, KEY_VARIABLE = "SEQUIN_URL", "SEQUIN_API_KEY"
# White space, quotes of every kind and marks that nobody sees; and what names a key in a file.
WRAPPING = (
    f"{string.whitespace}\u00a0\"'`,;\u201c\u201d\u201e\u2018\u2019\u201a"
    "\ufeff\u200b\u200c\u200d\u2060"
)
NAMED = re.compile(rf"(?:(?:export|set)\s+)?{KEY_VARIABLE}\s*[=:]|Bearer\s", re.IGNORECASE)
NO_URL = f"Say where your Sequin Admin is: sequin-admin login, --url, or {URL_VARIABLE}."
NO_KEY = f"Give an API key: sequin-admin login, --key-file, or {KEY_VARIABLE}."


@dataclass(frozen=True, repr=False)
class Settings:
    """Address and API key; empty when not configured."""

    url: str = ""
    key: str = ""


def path() -> Path:
    """The file that `login` writes: under `XDG_CONFIG_HOME`, else `~/.config`."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "sequin-admin" / "config.json"


def load() -> Settings:
    """What `login` has stored, if anything. Raises `Misused`."""
    try:
        known = json.loads(path().read_text())
        return Settings(url=str(known["url"]), key=str(known["key"]))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, KeyError, TypeError):
        raise Misused(f"{path()} can't be read. Run sequin-admin login to write it anew.") from None


def save(settings: Settings) -> None:
    """Write the file, which is at no time readable for other users."""
    where = path()
    where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = where.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": settings.url, "key": settings.key}, file)
    draft.replace(where)


def forget() -> None:
    path().unlink(missing_ok=True)


def given(url: str, key_file: Path | None) -> Settings:
    """Settings from the options, else from the environment."""
    key = read_key(key_file) if key_file else os.environ.get(KEY_VARIABLE, "")
    key = bare_key(key, f"The key file {key_file}" if key_file else KEY_VARIABLE)
    url = url or os.environ.get(URL_VARIABLE, "")
    return Settings(url=checked(url) if url else "", key=key)


def chosen(given: Settings) -> Settings:
    """Given settings, completed by stored ones. Raises `Misused` when something is missing."""
    if given.url and given.key:
        return given
    known = load()
    if given.url and known.url and given.url != known.url:
        raise Misused(f"The stored API key belongs to {known.url}. {NO_KEY}")
    settings = Settings(url=given.url or known.url, key=given.key or known.key)
    if not settings.url:
        raise Misused(NO_URL)
    if not settings.key:
        raise Misused(NO_KEY)
    return settings


def checked(url: str) -> str:
    """The address without its trailing slash or `/v1`. Raises `Misused` for an invalid one."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        usable = usable and not parts.username
    except ValueError:
        usable = False
    if not usable:
        raise Misused("The address must look like https://admin.example.com.")
    address = url.strip().rstrip("/").removesuffix("/v1")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        typer.echo(f"Careful: the way to {address} is not encrypted. Use https.", err=True)
    return address


def read_key(file: Path) -> str:
    """The text of a key file. Raises `Misused`."""
    try:
        data = file.read_bytes()
        key = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except (OSError, ValueError):
        raise Misused(f"The key file {file} can't be read.") from None
    if not key.strip(WRAPPING):
        raise Misused(f"The key file {file} must hold one API key and nothing else.")
    return key


def bare_key(text: str, where: str) -> str:
    """An API key without the quotes, the name or the marks that were copied along with it. Raises
    `Misused` when more than one word is left."""
    bare = text.strip(WRAPPING)
    named = NAMED.match(bare)
    key = bare[named.end() :].strip(WRAPPING) if named else bare
    if re.search(r"[^\x21-\x7e]", key):
        raise Misused(f"{where} must hold one API key and nothing else. Copy it again.")
    return key
