"""What a server tells on standard error while it runs: warnings and, where asked for, a line a request."""

from __future__ import annotations

import logging
from typing import Literal

import orjson

from mockscim.clock import format_instant
from mockscim.journal import Exchange, mask_query
from mockscim.tables import fault_text, printable

LogMode = Literal["warnings", "text", "json", "off"]

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
    plain = logging.StreamHandler()
    plain.setFormatter(logging.Formatter("%(message)s"))
    _exchanges.handlers[:] = [plain]
    _exchanges.propagate = False
    _exchanges.setLevel(logging.INFO)


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
    query = f"?{mask_query(exchange.query)}" if exchange.query else ""
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
