"""What the service writes down: JSON lines on standard error, and never where a person is.

No access log, no query strings, no bodies. Exceptions are logged as type and place; of their text only the first line
is kept, with every digit masked, since it may quote a coordinate.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any

import structlog

LONGEST_TEXT = 200
FRAMES = 25


class StandardError:
    """A logger that looks up standard error at every line, so that it may be replaced."""

    def msg(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    log = debug = info = warning = error = critical = msg


def configure(level: str) -> None:
    """Set up structlog for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *args: StandardError(),
        cache_logger_on_first_use=False,
    )


def describe(fault: BaseException) -> dict[str, Any]:
    """What may be logged of an exception: its type, its masked first line, its frames, and its causes' types."""
    frames = traceback.extract_tb(fault.__traceback__)[-FRAMES:]
    causes: list[str] = []
    cause = fault.__cause__ or fault.__context__
    while cause is not None and len(causes) < 5:
        causes.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or cause.__context__
    return {
        "error": f"{type(fault).__module__}.{type(fault).__qualname__}",
        "text": masked(fault),
        "causes": causes,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def masked(fault: BaseException) -> str:
    """The first line of an exception's text without its digits. SQLAlchemy's later lines hold the parameters."""
    text = str(getattr(fault, "orig", None) or fault)
    return re.sub(r"\d", "#", (text.splitlines() or [""])[0])[:LONGEST_TEXT]
