"""What is entered or read of an account, and in which forms it is pasted."""

from typing import Literal

from sequin_admin.credentials.kinds import MAX_NUMBER, AppProperties, Properties, Property, Secret
from sequin_admin.credentials.normalizers import Normalizer, address_of, digits, one_of, segments
from sequin_admin.credentials.private_keys import rsa_key


def part_after(name: str) -> Normalizer:
    """What follows `name` in an address at github.com."""

    def normalize(text: str) -> str:
        parts = address_of(text)
        path = segments(parts) if parts and parts.netloc == "github.com" else []
        return path[path.index(name) + 1] if name in path[:-1] else text

    return normalize


def installation(text: str) -> str:
    return digits(part_after("installations")(text))


def login(text: str) -> str:
    """The account of https://github.com/paul-atreides, or @paul-atreides."""
    parts = address_of(text)
    path = segments(parts) if parts and parts.netloc == "github.com" else [text]
    named = [part for part in path if part not in ("orgs", "organizations", "users")]
    return named[0].removeprefix("@") if named else text


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
