"""Spans of requests, jobs, queries and calls, where the environment asks for OpenTelemetry.

Nothing of OpenTelemetry is imported before `start()`, and nothing at all where it is not asked for.
No span holds what was sent: routes instead of paths, statements without values, the types of errors
without their texts.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from importlib import import_module
from typing import Literal, Protocol

import structlog
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from sequin_admin.core.env import TypedEnvironment, env
from sequin_admin.core.tracing.statements import Attributes as Attributes
from sequin_admin.core.tracing.statements import describe_statement

log = structlog.get_logger(__name__)
Kind = Literal["server", "client", "consumer", "internal"]


class Span(Protocol):
    """One that is being recorded, or that nothing is recorded of."""

    def set(self, attributes: Attributes) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, error_type: str) -> None:
        """Mark it as failed. `error_type` is the name of a class, or a status."""


class Tracer(Protocol):
    """What records: `core.tracing.otel`."""

    def root(
        self, name: str, kind: Kind, attributes: Attributes, carrier: Mapping[str, str]
    ) -> AbstractContextManager[Span]: ...

    def child(
        self, name: str, kind: Kind, attributes: Attributes
    ) -> AbstractContextManager[Span]: ...

    def is_recording(self) -> bool: ...

    def headers(self) -> dict[str, str]: ...

    def close(self) -> None: ...


class NoSpan:
    """Stands for a span where none is recorded."""

    def set(self, attributes: Attributes) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, error_type: str) -> None: ...


NOTHING: AbstractContextManager[Span] = nullcontext(NoSpan())
_tracer: Tracer | None = None
# What the calls of this context are about: provider, kind, attempt.
_about: ContextVar[Attributes] = ContextVar("about")


def is_asked_for(env: TypedEnvironment) -> bool:
    """Whether the variables of OpenTelemetry name an exporter, or a collector for the usual one."""
    if env.str("OTEL_SDK_DISABLED", default="").strip().lower() == "true":
        return False
    if exporter := env.str("OTEL_TRACES_EXPORTER", default=""):
        return str(exporter).strip().lower() != "none"
    endpoint = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
    return bool(endpoint or env.str("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default=""))


def start(process: str, env: TypedEnvironment = env) -> None:
    """Record from now on, if that is asked for. What is wrong with it is logged, not raised: traces
    must not keep the product from running."""
    global _tracer
    if _tracer is not None or not is_asked_for(env):
        return
    try:
        otel = import_module("sequin_admin.core.tracing.otel")
        _tracer = otel.build_tracer(process, env)
    except Exception as error:
        log.warning("no traces", reason=str(error) or type(error).__name__)
        return
    connection_created.connect(on_connected)


def close() -> None:
    """Send what is left, for a few seconds, and record no more."""
    global _tracer
    if _tracer is not None:
        tracer, _tracer = _tracer, None
        tracer.close()
        connection_created.disconnect(on_connected)


def on_connected(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Let the queries of a new connection have spans."""
    if trace_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(trace_query)


def trace_query(
    execute: Callable[..., object],
    sql: str,
    params: object,
    many: bool,
    context: Mapping[str, BaseDatabaseWrapper],
) -> object:
    if _tracer is None or not _tracer.is_recording():
        return execute(sql, params, many, context)
    name, attributes = describe_statement(sql, context["connection"].vendor)
    with _tracer.child(name, "client", attributes):
        return execute(sql, params, many, context)


def is_on() -> bool:
    return _tracer is not None


def root(
    name: str, kind: Kind, attributes: Attributes, carrier: Mapping[str, str] | None = None
) -> AbstractContextManager[Span]:
    """A span of its own trace, or of the one that the `traceparent` of `carrier` names. The log
    lines within have its ids."""
    return _tracer.root(name, kind, attributes, carrier or {}) if _tracer else NOTHING


def child(name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[Span]:
    """A span within the current one; nothing where none is recorded."""
    if _tracer is None or not _tracer.is_recording():
        return NOTHING
    return _tracer.child(name, kind, attributes)


def headers() -> dict[str, str]:
    """`traceparent` of the current span, for a receiver that is ours or the operator's."""
    return _tracer.headers() if _tracer else {}


@contextmanager
def about(**attributes: str | int) -> Iterator[None]:
    """Let calls within have these attributes: `provider`, `kind`, `attempt`."""
    if _tracer is None:
        yield
        return
    named = {f"sequin_admin.{name}": value for name, value in attributes.items()}
    token = _about.set({**_about.get({}), **named})
    try:
        yield
    finally:
        _about.reset(token)


def what_it_is_about() -> Attributes:
    return _about.get({})
