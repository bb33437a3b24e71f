"""Tables of the simulator. Nothing in them is secret: no real account is behind it."""

from sequin_admin.simulator.models.accounts import SimulatedAccount, SimulatedClient
from sequin_admin.simulator.models.calls import Fault, Hit, SimulatedCall
from sequin_admin.simulator.models.clock import World, now
from sequin_admin.simulator.models.grants import SimulatedGrant, SimulatedToken

__all__ = [
    "Fault",
    "Hit",
    "SimulatedAccount",
    "SimulatedCall",
    "SimulatedClient",
    "SimulatedGrant",
    "SimulatedToken",
    "World",
    "now",
]
