"""The log: one line of JSON for each request, without what was asked unless the configuration says otherwise."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_logger = logging.getLogger("mirante.service")


class JsonLines(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message, then the record's own fields."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_request(**fields: object) -> None:
    """One line about a request; fields that are None are left out."""
    told = {name: value for name, value in fields.items() if value is not None}
    _logger.info("request", extra={"fields": told})


def log_fault(id_: str, error: Exception) -> None:
    """An error that nobody foresaw, with its traceback, under the id of the request."""
    _logger.error("unforeseen", exc_info=error, extra={"fields": {"id": id_}})


def start_logging() -> None:
    """Write the service's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    _logger.handlers, _logger.propagate = [handler], False
    _logger.setLevel(logging.INFO)
