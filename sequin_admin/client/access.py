"""What authorizes one call to a provider, and how it is added to a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

import httpx2

from sequin_admin.client.errors import SequinError, WrongHost
from sequin_admin.client.signing import authorization

PARTS = ("headers", "fields", "login", "signing", "dialect")
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, repr=False)
class Access:
    """The response of `GET /v1/credentials/{id}/token`; `expires_at` is None for no expiry.

    Most kinds have `headers`. Other kinds have `fields` for the form of every request, keys for
    signing each request in `signing` (RFC 5849), or a `login` for a request body that only the
    caller can write. `dialect` says how the provider's responses report its rate limit.
    """

    base_url: str
    fingerprint: str
    expires_at: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    login: Mapping[str, str] = field(default_factory=dict)
    signing: Mapping[str, str] = field(default_factory=dict)
    dialect: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Access to {self.base_url} until {self.expires_at}>"

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        ends = answer["expires_at"]
        parts = {name: answer[name] for name in PARTS}
        return cls(
            base_url=answer["base_url"],
            fingerprint=answer["fingerprint"],
            expires_at=datetime.fromisoformat(ends) if ends else None,
            **parts,
        )

    def lives(self, margin_s: float) -> bool:
        """Whether it is valid for more than `margin_s` seconds from now."""
        if self.expires_at is None:
            return True
        return (self.expires_at - datetime.now(UTC)).total_seconds() > margin_s

    def refuse_elsewhere(self, url: httpx2.URL) -> None:
        """Raise `WrongHost` for an address that is not the provider's."""
        mine = httpx2.URL(self.base_url)
        same_host = (url.scheme, url.host, url.port) == (mine.scheme, mine.host, mine.port)
        if not same_host or not f"{url.path}/".startswith(f"{mine.path.rstrip('/')}/"):
            raise WrongHost(
                f"This credential is for {mine.host}, but the call goes to {url.host}. Nothing was "
                "sent. Use another credential, or a client without one, for that address."
            )

    def put_into(self, request: httpx2.Request) -> httpx2.Request:
        """A copy of the request with the credential added.

        Raises `WrongHost` for another address, and `SequinError` where the kind's credential can't
        be added by a transport.
        """
        self.refuse_elsewhere(request.url)
        if self.login:
            raise SequinError(
                "This kind's user name and password belong into the body that you write. Take them "
                "from credential.token().login and send the call without this transport."
            )
        headers = httpx2.Headers(request.headers)
        body = request.read()
        if self.fields:
            body = self.with_fields(request, body)
            headers["Content-Type"] = FORM
        headers.pop("Content-Length", None)
        headers.pop("Transfer-Encoding", None)
        headers.update(self.headers)
        form = body if headers.get("Content-Type", "").startswith(FORM) else b""
        if self.signing:
            url = str(request.url).replace(self.base_url, self.signing["base_url"], 1)
            headers["Authorization"] = authorization(self.signing, request.method, url, form)
        return httpx2.Request(
            request.method,
            request.url,
            headers=headers,
            content=body or None,
            extensions=request.extensions,
        )

    def with_fields(self, request: httpx2.Request, body: bytes) -> bytes:
        """The form with the kind's fields. Raises `SequinError` for what is no form."""
        is_form = request.headers.get("Content-Type", FORM).startswith(FORM)
        if request.method != "POST" or not is_form:
            raise SequinError("This kind takes its password in a form: send a POST with one.")
        others = [pair for pair in parse_qsl(body.decode()) if pair[0] not in self.fields]
        return urlencode([*others, *self.fields.items()]).encode()
