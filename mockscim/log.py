"""What a server tells on standard error while it runs: warnings and, where asked for, a line a request."""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import Any, Literal

import orjson

from mockscim.clock import format_instant
from mockscim.journal import Exchange
from mockscim.tables import fault_text, printable

LogMode = Literal["warnings", "text", "json", "off"]

_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_AGAIN_AFTER = 60.0

_log = logging.getLogger("mockscim")
_exchanges = logging.getLogger("mockscim.exchanges")


def configure(mode: LogMode) -> None:
    """Everything goes to standard error: warnings, and a line a request where that is asked for."""
    logging.raiseExceptions = False  # a closed standard error is nothing to fail over
    if mode == "off":
        logging.disable(logging.CRITICAL)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLine() if mode == "json" else logging.Formatter("mockscim: %(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mockscim.persist").setLevel(logging.INFO)  # where the data comes from is said once
    plain = logging.StreamHandler()
    plain.setFormatter(logging.Formatter("%(message)s"))
    _exchanges.handlers[:] = [plain]
    _exchanges.propagate = False
    _exchanges.setLevel(logging.INFO)


class Complaints:
    """Tells what an event loop complains of.

    That it has no file descriptor for the next connection it finds out each second; that is told once a minute.
    """

    def __init__(self) -> None:
        self._told = -_AGAIN_AFTER

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """As asyncio calls it."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _FULL and "accept" in context.get("message", "")):
            loop.default_exception_handler(context)
        elif loop.time() - self._told >= _AGAIN_AFTER:
            self._told = loop.time()
            hint = "; ulimit -n says how many there may be" if error.errno == errno.EMFILE else ""
            _log.warning("%s: whoever connects waits until others have gone%s", error.strerror, hint)


class _JsonLine(logging.Formatter):
    """A log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Without line breaks, a traceback included."""
        line = {"event": "log", "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def _target(exchange: Exchange) -> str:
    tenant = f"/t/{exchange.tenant}" if exchange.tenant else ""
    query = f"?{exchange.masks.query(exchange.query)}" if exchange.query else ""
    # Escaped: it may hold line breaks, what a terminal obeys, and bytes that are no UTF-8.
    return printable(f"{tenant}{exchange.path or '/'}{query}")


def tell_text(exchange: Exchange) -> None:
    """One exchange as a line for people."""
    status = exchange.status if exchange.status is not None else "cut"
    faults = ", ".join(fault_text(fault._asdict()) for fault in exchange.faults)
    parts = (
        f"{exchange.method} {_target(exchange)} {status} {exchange.duration * 1000:.1f}ms",
        f" {exchange.operation or '-'}",
        f" [{faults}]" if faults else "",
        " (client gone)" if exchange.client_gone else "",
    )
    _exchanges.info("%s", "".join(parts))


def tell_json(exchange: Exchange) -> None:
    """One exchange as a line for programs."""
    line = {
        "event": "exchange",
        "n": exchange.n,
        "time": format_instant(exchange.started),
        "method": exchange.method,
        "path": _target(exchange),
        "status": exchange.status,
        "duration_ms": round(exchange.duration * 1000, 3),
        "operation": exchange.operation,
        "committed": exchange.committed,
        "faults": [fault._asdict() for fault in exchange.faults],
        "leniencies": [used["code"] for used in exchange.leniencies],
        "client_gone": exchange.client_gone,
    }
    _exchanges.info("%s", orjson.dumps(line).decode())
