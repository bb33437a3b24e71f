"""Log lines of structlog and of the standard library, as JSON or for reading."""

import re
from typing import Any

from sequin_admin.core.absence import without

# It would load rich for tracebacks, which stand as Python prints them: 5 MB of each process.
with without("rich"):
    import structlog
    from structlog.typing import EventDict, Processor

# The first parts of addresses whose next part lets its holder in.
TOKEN_PATHS = re.compile(
    r"(/(?:link/connect|link/oauth2/start|accounts/invitation|badge|calendar)/)[^/\s?\"'<>]+"
)


def mask_tokens(text: str) -> str:
    """The text, in which addresses with a token have asterisks in its place."""
    return TOKEN_PATHS.sub(r"\1***********", text)


def mask_line(logger: object, name: str, line: EventDict) -> EventDict:
    """Processor of structlog: no line says a token that stands in an address."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = mask_tokens(value)
    return line


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    mask_line,
]


def configure_logging(format_: str, level: str) -> dict[str, Any]:
    """Configure structlog. Returns Django's `LOGGING`. `format_` is `json` or `console`."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer()
                    if format_ == "json"
                    else structlog.dev.ConsoleRenderer(colors=False),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handler would log each line a second time, without the request's id.
            "django": {"handlers": [], "level": "INFO"},
            # Libraries whose debug logs contain whole requests.
            **{name: {"level": "WARNING"} for name in ("httpx2", "httpcore2", "oauthlib")},
            # `core.tracing.patience` says what is wrong, once.
            "opentelemetry": {"level": "CRITICAL"},
        },
    }
