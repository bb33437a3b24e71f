"""How the worker of a run connects to its target: with the password, at the vetted address."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from sequin_admin.core.connections import own_services
from sequin_admin.core.destinations import Forbidden, UnknownHost, Unreachable, first_reachable
from sequin_admin.syncs import connection_probe
from sequin_admin.syncs.models import Target

# For finding the address.
DEADLINE_S = 3.0


class TargetUnusable(Exception):
    """The target can't be given out. `str()` is a sentence; `is_temporary`: try again."""

    def __init__(self, sentence: str, *, is_temporary: bool = False) -> None:
        super().__init__(sentence)
        self.is_temporary = is_temporary


@dataclass(frozen=True)
class TargetAccess:
    """What a worker needs to connect. `hostaddr` was checked: it may be called."""

    host: str
    hostaddr: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    ssl_mode: str
    ssl_root_cert: str | None
    schema: str


def access_to(target: Target) -> TargetAccess:
    """Raises `TargetUnusable`, and `DecryptionError` when no key of ours opens the password."""
    return TargetAccess(
        host=target.host,
        hostaddr=vetted_address(target),
        port=target.port,
        database=target.database,
        username=target.username,
        password=str(target.secrets.get("password", "")),
        ssl_mode=target.ssl_mode,
        ssl_root_cert=root_certificates(target.ssl_mode),
        schema=target.schema,
    )


def vetted_address(target: Target) -> str:
    """The first address of the host that accepts connections; the last where none does."""
    policy = connection_probe.target_policy(settings.TARGET_NETWORKS, own_services())
    ends = time.monotonic() + DEADLINE_S
    try:
        addresses = policy.vetted_addresses(target.host, target.port, ends)
    except (Forbidden, UnknownHost) as error:
        raise TargetUnusable(f"{error} Change the address of {target}, or test it there.") from None
    except Unreachable as error:
        raise TargetUnusable(f"{error} Try again.", is_temporary=True) from None
    return first_reachable(addresses, target.port, ends)


def root_certificates(ssl_mode: str) -> str | None:
    """The authorities that the installation trusts for targets, where the mode uses them."""
    if not ssl_mode.startswith("verify") or not settings.TARGET_CA_FILE:
        return None
    return Path(settings.TARGET_CA_FILE).read_text()
