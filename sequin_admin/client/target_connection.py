"""How to connect to the target of a run."""

from dataclasses import dataclass, field
from typing import Any, Self

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_")


@dataclass(frozen=True)
class TargetConnection:
    """A PostgreSQL database. `hostaddr` is the address that the server has checked: connect to it
    and use `host` for the certificate. `ssl_root_cert` is PEM; None: your system's authorities."""

    host: str
    hostaddr: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    ssl_mode: str
    ssl_root_cert: str | None
    schema: str

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Self:
        return cls(**{name: answer[name] for name in cls.__dataclass_fields__})

    def dsn(self, *, ssl_root_cert_file: str = "", **more: str) -> str:
        """A connection string of libpq, with `hostaddr`.

        `ssl_root_cert_file` names the file into which you have written `ssl_root_cert`.
        https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
        """
        parts = {
            "host": self.host,
            "hostaddr": self.hostaddr,
            "port": str(self.port),
            "dbname": self.database,
            "user": self.username,
            "password": self.password,
            "sslmode": self.ssl_mode,
        }
        if self.ssl_mode.startswith("verify"):
            parts["sslrootcert"] = ssl_root_cert_file or "system"
        if self.schema:
            parts["options"] = f"-csearch_path={quoted_name(self.schema)}"
        parts |= more
        return " ".join(f"{name}={quoted(value)}" for name, value in parts.items())


def quoted(value: str) -> str:
    if value and set(value) <= PLAIN:
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quoted_name(name: str) -> str:
    """A name for `-c search_path`, where blanks and backslashes are escaped once more."""
    text = '"' + name.replace('"', '""') + '"'
    return text.replace("\\", "\\\\").replace(" ", "\\ ")
