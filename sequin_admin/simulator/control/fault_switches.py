"""Faults of an account or of a whole provider, and chaos: switched on and off."""

from typing import Any

from sequin_admin.simulator import chaos, faults
from sequin_admin.simulator.chaos import CHAOS_FAULTS
from sequin_admin.simulator.control import ControlError


def set_fault(provider: str, name: str, **data: Any) -> None:
    """Switch on a fault for the whole provider, or (`clear`) switch all of them off."""
    if name == "clear":
        faults.clear_faults(provider, None)
    elif name in faults.COMMON_FAULTS:
        faults.set_fault(provider, None, name, parse_times(data))
    else:
        raise ControlError(
            f"There is no fault {name!r}: {', '.join([*faults.COMMON_FAULTS, 'clear'])}"
        )


def start_chaos(
    provider: str, rates: dict[str, float], late_s: float = 0, access_life_s: int | None = None
) -> None:
    """Make calls of the token endpoint fail at random.

    `rates` maps faults to probabilities, such as `{"lost": 0.1}`; a `late` response is delayed by
    up to `late_s` seconds. Raises `ControlError` for an unknown fault or probability.
    """
    unknown = set(rates) - set(CHAOS_FAULTS)
    if unknown or not all(isinstance(r, int | float) and 0 <= r <= 1 for r in rates.values()):
        raise ControlError(f"rates are chances from 0 to 1 of {', '.join(CHAOS_FAULTS)}.")
    lives = {} if access_life_s is None else {"access_life_s": access_life_s}
    faults.set_fault(provider, None, chaos.CHAOS, rates=rates, late_s=late_s, **lives)


def parse_times(data: dict[str, Any]) -> int | None:
    """Number of calls a fault lasts; None: until cleared. Raises `ControlError`."""
    times = data.get("times")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ControlError("times must be a whole number above 0, or left out for: until cleared.")
    return times
