"""Tables of the simulator. Nothing in them is secret: no real account is behind it."""

from sequin_admin.simulator.models.accounts import SimulatedAccount, SimulatedClient
from sequin_admin.simulator.models.calls import Fault, Hit, PointBucket, SimulatedCall
from sequin_admin.simulator.models.clock import World, now, read_world
from sequin_admin.simulator.models.grants import SimulatedGrant, SimulatedToken
from sequin_admin.simulator.models.memory import one_call, remembered
from sequin_admin.simulator.models.rows import FIRST_WRITTEN, RowWrite
from sequin_admin.simulator.models.webhooks import WebhookEndpoint, WebhookMessage

__all__ = [
    "FIRST_WRITTEN",
    "Fault",
    "Hit",
    "PointBucket",
    "RowWrite",
    "SimulatedAccount",
    "SimulatedCall",
    "SimulatedClient",
    "SimulatedGrant",
    "SimulatedToken",
    "WebhookEndpoint",
    "WebhookMessage",
    "World",
    "now",
    "one_call",
    "read_world",
    "remembered",
]
