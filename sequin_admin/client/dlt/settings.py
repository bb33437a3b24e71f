"""dlt's settings while a run is written: those that stand here, and nothing from elsewhere.

dlt looks for what it was not given in environment variables, `secrets.toml` and vaults, so that a
run could write to a database that the process happens to know.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider, CustomLoaderDocProvider
from dlt.common.configuration.specs.config_providers_context import ConfigProvidersContainer
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.runtime.telemetry import stop_telemetry

GIVEN: dict[str, Any] = {
    "runtime": {"dlthub_telemetry": False, "log_level": "CRITICAL"},
    # The run's cursor is what a next run begins with, and the target has no state of dlt.
    "restore_from_destination": False,
    "load": {"workers": 2, "raise_on_failed_jobs": True, "raise_on_max_retries": 3},
}


@contextmanager
def given_settings() -> Iterator[None]:
    """Let dlt see `GIVEN` only, in the whole process."""
    context = Container()[PluggableRunContext]
    before = context.providers
    use(context, [CustomLoaderDocProvider("given", lambda: GIVEN)])
    try:
        yield
    finally:
        use(context, before.providers)


def use(context: PluggableRunContext, providers: list[ConfigProvider]) -> None:
    context.providers = ConfigProvidersContainer(providers)
    context.context.reset_config()
    # It is on by itself, and started once.
    stop_telemetry()
    context.initialize_runtime()
