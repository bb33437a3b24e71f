"""The OAuth authorization server that most providers share, with options for each of them."""

from sequin_admin.simulator.oauth.authorization import CODE_LIFE_S
from sequin_admin.simulator.oauth.requests import (
    constant_time_equal,
    flat_error,
    parse_json,
    select_tenant,
)
from sequin_admin.simulator.oauth.server import AuthorizationServer

__all__ = [
    "CODE_LIFE_S",
    "AuthorizationServer",
    "constant_time_equal",
    "flat_error",
    "parse_json",
    "select_tenant",
]
