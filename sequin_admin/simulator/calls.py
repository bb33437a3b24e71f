"""What the handlers of one simulated call leave to those after them."""

from dataclasses import dataclass, field

from django.http import HttpRequest

from sequin_admin.simulator.models import SimulatedAccount


@dataclass
class CallState:
    """`account` is for the journal, `tenant` the account whose own host was called, `shop` the host
    of a shop. `calls_left` are left of a limit. `issued_token` and `reused_token` are keys of
    refresh tokens. The response is sent after `delay_s`, or never.
    """

    account: str = ""
    tenant: SimulatedAccount | None = None
    shop: str = ""
    issued_token: int = 0
    reused_token: int = 0
    calls_left: int = 0
    delay_s: float = 0
    loses_response: bool = False
    response_headers: dict[str, str] = field(default_factory=dict)


def state_of(request: HttpRequest) -> CallState:
    state: CallState = vars(request).setdefault("simulated", CallState())
    return state
