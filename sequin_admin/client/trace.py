"""The trace of the caller's program, passed on to Sequin Admin and to no provider."""

import sys
from importlib import import_module

PASSED_ON = ("traceparent", "tracestate")


def trace_headers() -> dict[str, str]:
    """`traceparent` of the current span, where the program uses OpenTelemetry; else nothing."""
    carrier: dict[str, str] = {}
    if "opentelemetry.trace" in sys.modules:
        import_module("opentelemetry.propagate").inject(carrier)
    return {name: carrier[name] for name in PASSED_ON if name in carrier}
