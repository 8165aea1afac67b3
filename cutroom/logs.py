"""Structured logs: one JSON object a line, or coloured lines for people. `request_id`, `org_id`, `job_id` and
`trace_id` come from context.

Everything that a process writes goes through here, libraries included, and no secret leaves: values under telling names
are dropped, and tokens, passwords and signatures inside longer texts are cut out.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from cutroom.telemetry import tracing

SECRET_NAMES = re.compile(
    r"(?i)(?:^|[_-])(?:token|secret|password|authorization|(?:api|access|secret|private)_?key|cookie|signature|credentials?)$"
)
SECRET_TEXT = re.compile(
    r"ctr_(?:live|test)_\w+"  # a token
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password of a URL
    r"|(?i:(?<=bearer ))[\w.~+/-]+"
    r"|(?i:(?<=x-amz-signature=))\w+"
    r"|(?i:(?<=x-amz-credential=))[\w%/-]+"
)
HIDDEN = "[hidden]"


def configure(log_format: str, level: str = "INFO") -> None:
    """Set up this process's logs, on stderr. `log_format`: json, or console for people."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Tracebacks become text before secrets are hidden, and never show the values of variables.
    written: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        hide_secrets,
        structlog.dev.ConsoleRenderer() if log_format == "console" else structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=written))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the trace that the entry belongs to, where there is one."""
    if found := tracing.trace_id(tracing.current()):
        event["trace_id"] = found
    return event


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out of a log entry, at any depth."""
    return {name: HIDDEN if SECRET_NAMES.search(name) else _without_secrets(value) for name, value in event.items()}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return SECRET_TEXT.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {name: HIDDEN if SECRET_NAMES.search(str(name)) else _without_secrets(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item) for item in value]
    return value
