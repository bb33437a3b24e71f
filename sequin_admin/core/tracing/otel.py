"""Spans by OpenTelemetry, whose SDK reads most of the `OTEL_` variables itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers
from structlog.contextvars import bound_contextvars

from sequin_admin.core.env import TypedEnvironment
from sequin_admin.core.tracing import Attributes, Kind, Span
from sequin_admin.core.tracing.patience import PatientExporter

KINDS = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "consumer": trace.SpanKind.CONSUMER,
    "internal": trace.SpanKind.INTERNAL,
}
# Without baggage, which is for values of a caller.
PROPAGATOR = TraceContextTextMapPropagator()
# What a stop waits for the collector.
CLOSE_S = 3.0


class RecordedSpan:
    """A span of the SDK, behind `core.tracing.Span`."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span

    def set(self, attributes: Attributes) -> None:
        self.span.set_attributes(dict(attributes))

    def rename(self, name: str) -> None:
        self.span.update_name(name)

    def fail(self, error_type: str) -> None:
        self.span.set_attribute("error.type", error_type)
        self.span.set_status(trace.StatusCode.ERROR)


class OpenTelemetryTracer:
    """Records spans and exports them in batches, from a thread of its own."""

    def __init__(self, resource: Resource, exporters: list[SpanExporter]) -> None:
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in exporters:
            self.provider.add_span_processor(BatchSpanProcessor(PatientExporter(exporter)))
        self.tracer = self.provider.get_tracer("sequin_admin")

    @contextmanager
    def root(
        self, name: str, kind: Kind, attributes: Attributes, carrier: Mapping[str, str]
    ) -> Iterator[Span]:
        parent = PROPAGATOR.extract(carrier, Context())
        with self.recorded(name, kind, attributes, parent) as (span, made):
            ids = made.get_span_context()
            with bound_contextvars(
                trace_id=trace.format_trace_id(ids.trace_id),
                span_id=trace.format_span_id(ids.span_id),
            ):
                yield span

    @contextmanager
    def child(self, name: str, kind: Kind, attributes: Attributes) -> Iterator[Span]:
        with self.recorded(name, kind, attributes, None) as (span, _):
            yield span

    @contextmanager
    def recorded(
        self, name: str, kind: Kind, attributes: Attributes, parent: Context | None
    ) -> Iterator[tuple[RecordedSpan, trace.Span]]:
        """An exception is recorded by its type, as its text may quote a secret."""
        with self.tracer.start_as_current_span(
            name,
            context=parent,
            kind=KINDS[kind],
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            span = RecordedSpan(made)
            try:
                yield span, made
            except BaseException as error:
                span.fail(type(error).__qualname__)
                raise

    def is_recording(self) -> bool:
        return trace.get_current_span().is_recording()

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier

    def close(self) -> None:
        """The SDK would wait for half a minute for a collector that hangs."""
        closing = Thread(target=self.provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_S)


def build_tracer(process: str, env: TypedEnvironment) -> OpenTelemetryTracer:
    """Raises `ValueError` for what we can't export by."""
    service = env.str("OTEL_SERVICE_NAME", default="sequin-admin")
    resource = Resource({"service.name": service, "sequin_admin.process": process})
    names = (env.str("OTEL_TRACES_EXPORTER", default="") or "otlp").split(",")
    exporters = [build_exporter(name.strip().lower(), env) for name in names]
    return OpenTelemetryTracer(resource.merge(OTELResourceDetector().detect()), exporters)


def build_exporter(name: str, env: TypedEnvironment) -> SpanExporter:
    """Raises `ValueError`."""
    if name == "console":
        return ConsoleSpanExporter()
    protocol = env.str("OTEL_EXPORTER_OTLP_PROTOCOL", default="")
    protocol = env.str("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", default=protocol)
    if name != "otlp" or protocol not in ("", "http/protobuf"):
        raise ValueError(
            "Traces are exported by OTLP over HTTP: set OTEL_TRACES_EXPORTER to otlp and "
            "OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, and name the collector's port for it, "
            "usually 4318."
        )
    # Read by us, as they are a secret that may be in a file.
    headers = env.str("OTEL_EXPORTER_OTLP_HEADERS", default="")
    return OTLPSpanExporter(headers=parse_env_headers(headers, liberal=True))
