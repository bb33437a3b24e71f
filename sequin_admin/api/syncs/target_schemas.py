"""Schemas of /v1/targets/postgres."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from sequin_admin.api.framework.columns import Made, RowShape, as_stored
from sequin_admin.api.framework.schemas import (
    Body,
    Metadata,
    OneOf,
    Shape,
    Timestamp,
)
from sequin_admin.api.health import HEALTH, Health
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.credentials.properties import MASK
from sequin_admin.syncs.models import SslMode, Target
from sequin_admin.syncs.rules import HOST

Mode = Annotated[str, OneOf(*SslMode.values)]
MODE = "Ours, as libpq's sslmode."
SCHEMA = "Ours. Empty means the user's own search path."
# What PostgreSQL takes for a name: https://www.postgresql.org/docs/current/limits.html
Name = Annotated[str, Field(min_length=1, max_length=63)]
Host = Annotated[str, Field(pattern=HOST, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65_535)]


def whole_password(value: object) -> object:
    """The text with the white space at its ends, which a body's other texts lose. Empty when there
    is nothing else."""
    return SecretStr(value if value.strip() else "") if isinstance(value, str) else value


Password = Annotated[
    SecretStr, BeforeValidator(whole_password), Field(min_length=1, max_length=1000)
]


class Connection(Body):
    """How to connect to the database."""

    host: Host
    port: Port = 5432
    database: Name
    username: Name
    password: Password


class ConnectionPatch(Body):
    """What is left out stays as it is."""

    host: Host | None = None
    port: Port | None = None
    database: Name | None = None
    username: Name | None = None
    password: Password | None = None


CONNECTION: dict[str, Any] = {
    "host": "db.arrakis.example",
    "port": 5432,
    "database": "warehouse",
    "username": "sequin",
}


class TargetCreate(Body):
    """A new target."""

    examples = {
        "database": {
            "name": "Warehouse",
            "connection": {**CONNECTION, "password": "spice-must-flow"},
            "ssl_mode": "require",
            "metadata": {"team": "growth"},
        }
    }

    name: str = Field(min_length=1, max_length=NAME_CHARS)
    connection: Connection
    ssl_mode: Mode = Field(default="prefer", description=MODE)
    # `schema` is a method of pydantic's models.
    schema_name: str = Field(default="", alias="schema", max_length=63, description=SCHEMA)
    metadata: Metadata = Field(default_factory=dict)


class TargetPatch(Body):
    """What is left out stays as it is."""

    examples = {
        "rename": {"name": "Warehouse, west"},
        "new password": {"connection": {"password": "spice-must-flow-again"}},
        "moved with its rows": {
            "connection": {"host": "db2.arrakis.example", "password": "spice-must-flow"},
            "rows_moved": True,
        },
    }

    name: str | None = Field(default=None, min_length=1, max_length=NAME_CHARS)
    connection: ConnectionPatch | None = None
    ssl_mode: Mode | None = Field(default=None, description=MODE)
    schema_name: str | None = Field(default=None, alias="schema", max_length=63, description=SCHEMA)
    rows_moved: bool = Field(
        default=False,
        description="Ours. Whether what was written is in the new host, port, database or schema "
        "already. If not, everything is read again by new runs.",
    )
    metadata: Metadata | None = None


class ConnectionShape(Shape):
    """How to connect to the database; the password is masked."""

    host: str = Field(examples=[CONNECTION["host"]])
    port: int = Field(examples=[CONNECTION["port"]])
    database: str = Field(examples=[CONNECTION["database"]])
    username: str = Field(examples=[CONNECTION["username"]])
    password: str = Field(
        description="first4...last4 of a long one to a key with the scope `secrets`, asterisks "
        "otherwise.",
        examples=["spic...6789"],
    )


class TargetShape(Shape):
    """A PostgreSQL database that consumers write to."""

    id: str
    name: str
    kind: Literal["postgres"]
    connection: ConnectionShape
    ssl_mode: Mode = Field(description=MODE)
    schema_name: str = Field(alias="schema", description=SCHEMA)
    ssh_tunnel_id: None = Field(description="Always null: there are no tunnels here.")
    health: Health
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


class SavedTarget(TargetShape):
    """The target as it was saved, with what should be known about it."""

    notice: str | None = Field(
        default=None,
        description="Only when the password begins or ends with white space, which is kept.",
    )


class TargetList(Shape):
    """A page of targets."""

    data: list[TargetShape]
    next_cursor: str | None


class TestResult(Shape):
    """Whether the target passed the test; if not, why, and what to do."""

    success: bool
    reason: str | None = Field(default=None, description="What is wrong and what to do.")
    server_version: str | None = None


CONNECTION_COLUMNS = ("host", "port", "database", "username")
TARGET = RowShape(
    TargetShape,
    Target,
    kind=Made(lambda: Target.kind, ()),
    connection=Made(
        lambda *values: {**dict(zip(CONNECTION_COLUMNS, values, strict=True)), "password": MASK},
        CONNECTION_COLUMNS,
    ),
    schema_name=as_stored("schema"),
    ssh_tunnel_id=Made(lambda: None, ()),
    health=HEALTH,
)


def target_out(target: Target) -> dict[str, Any]:
    return TARGET.fields_of(target)


def columns_of(payload: TargetCreate | TargetPatch) -> tuple[dict[str, Any], str]:
    """The columns that were sent, and the password."""
    sent = payload.model_dump(exclude_none=True)
    connection = sent.pop("connection", {})
    secret = connection.pop("password", None)
    if "schema_name" in sent:
        sent["schema"] = sent.pop("schema_name")
    return {**sent, **connection}, secret.get_secret_value() if secret else ""
