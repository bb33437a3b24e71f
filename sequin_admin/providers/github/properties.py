"""What is entered or read of an account, and in which forms it is pasted."""

import re
from typing import Literal

from sequin_admin.credentials.kinds import MAX_NUMBER, AppProperties, Properties, Property, Secret
from sequin_admin.credentials.normalizers import (
    Normalizer,
    address_of,
    digits,
    number_named,
    one_of,
    segments,
)
from sequin_admin.credentials.private_keys import rsa_key

LOGIN = r"[A-Za-z0-9][\w.-]*(\[bot\])?"
# Pages of GitHub's own.
NO_ACCOUNTS = ("apps", "settings", "github.com", "www.github.com")


def path_at_github(text: str) -> list[str]:
    """The path of an address at github.com in its parts; empty for other texts."""
    parts = address_of(text)
    of_github = parts and parts.netloc in ("github.com", "www.github.com")
    return segments(parts) if parts and of_github else []


def part_after(name: str) -> Normalizer:
    """What follows `name` in an address at github.com."""

    def normalize(text: str) -> str:
        path = path_at_github(text)
        return path[path.index(name) + 1] if name in path[:-1] else text

    return normalize


def installation(text: str) -> str:
    """The installation of the address of its settings, or of the callback."""
    return number_named("installation_id")(part_after("installations")(text))


def login(text: str) -> str:
    """The account of https://github.com/paul-atreides, paul-atreides/, or @paul-atreides."""
    path = path_at_github(text) or text.strip("/").split("/")
    named = [part for part in path if part not in ("orgs", "organizations", "users")]
    account = named[0].removeprefix("@") if named else text
    return account if re.fullmatch(LOGIN, account) and account not in NO_ACCOUNTS else text


class GitHubAppProperties(AppProperties):
    """The app's own page at GitHub shows all of these."""

    app_id: str = Property("App ID", example="310104", pattern=r"\d+", normalizer=digits)
    slug: str = Property(
        "Slug",
        help="The last part of the app's address.",
        pattern=r"[\w-]+",
        normalizer=part_after("apps"),
    )
    private_key: Secret = Property(
        "Private key",
        help="The whole .pem file that GitHub generated.",
        multiline=True,
        normalizer=rsa_key,
    )
    webhook_secret: Secret | None = Property("Webhook secret", default=None, password=True)


class GitHubProperties(Properties):
    kind: Literal["github_app"]
    account_type: Literal["User", "Organization"] = Property(
        "Account type", normalizer=one_of("User", "Organization")
    )
    account_login: str = Property("Account", example="paul-atreides", normalizer=login)
    installation_id: int = Property(
        "Installation ID",
        example="47232440",
        minimum=1,
        maximum=MAX_NUMBER,
        normalizer=installation,
    )
