"""A collector that is away costs one log line, and is asked ever less often."""

import time
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = structlog.get_logger(__name__)
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 300.0


class PatientExporter(SpanExporter):
    """Passes spans on; drops them while it waits for a collector that failed."""

    def __init__(
        self, exporter: SpanExporter, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.exporter, self.monotonic = exporter, monotonic
        self.failures = self.dropped = 0
        self.next_at = float("-inf")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.monotonic() < self.next_at or not self.was_taken(spans):
            self.dropped += len(spans)
            return SpanExportResult.FAILURE
        if self.failures:
            log.info("traces exported again", dropped=self.dropped)
            self.failures = self.dropped = 0
        return SpanExportResult.SUCCESS

    def was_taken(self, spans: Sequence[ReadableSpan]) -> bool:
        try:
            taken = self.exporter.export(spans) is SpanExportResult.SUCCESS
            reason = "The collector did not take them."
        except Exception as error:
            taken, reason = False, type(error).__name__
        if not taken:
            wait_s = min(FIRST_WAIT_S * 2**self.failures, LONGEST_WAIT_S)
            self.next_at = self.monotonic() + wait_s
            if not self.failures:
                log.warning("traces not exported", reason=reason)
            self.failures += 1
        return taken

    def shutdown(self) -> None:
        self.exporter.shutdown()
