"""Tells an administrator: events as lines of a file, and the one mail that a quarantine brings.

Entra ID sends a mail when a job goes into quarantine, and none while it stays there.
"""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Iterable
from email.message import EmailMessage
from typing import Any, NamedTuple

from mockscim.provision.files import append

_SECONDS = 10.0
SENDER = "azure-noreply@example.com"  # what writes to people is invented, as they are


class MailServer(NamedTuple):
    """Where mail goes."""

    host: str
    port: int


class MailError(ValueError):
    """The mail server or an address cannot be used; the text names the option."""


def mail_server(text: str) -> MailServer:
    """Read ``HOST:PORT``; without a port it is 25.

    Raises:
        MailError: it is neither.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = port, "25"
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise MailError(f"--smtp: HOST:PORT was expected, not {text[:100]!r}")
    return MailServer(host.strip("[]"), int(port))


class Notifier:
    """Writes events to a file and sends mail, where either is wanted.

    Args:
        events: a file that gets a line for each event.
        server: the mail server; None for no mail.
        to: who gets it.
    """

    def __init__(self, events: str | None = None, server: MailServer | None = None, to: Iterable[str] = ()) -> None:
        self._events = events
        self._server = server
        self._to = list(to)
        if server is not None and not self._to:
            raise MailError("--smtp wants --mail-to: who is to be told")
        if self._to and server is None:
            raise MailError("--mail-to wants --smtp HOST:PORT: who is to carry it")
        for address in self._to:
            if "@" not in address or any(c.isspace() for c in address):
                raise MailError(f"--mail-to: an address such as ann@example.com was expected, not {address[:100]!r}")

    async def tell(self, events: list[dict[str, Any]]) -> list[str]:
        """Tell of events.

        Returns:
            What went wrong with mail: a sentence for each that was not sent. A job does not stop for that.

        Raises:
            FileError: the file cannot be written.
        """
        if self._events is not None and events:
            append(self._events, events, "--events")
        troubles = []
        for event in events:
            if self._server is not None and event.get("event") == "quarantine":
                try:
                    await asyncio.to_thread(self._send, event)
                except (OSError, smtplib.SMTPException) as error:
                    troubles.append(f"the mail about the quarantine was not sent: {_reason(error)}")
        return troubles

    def _send(self, event: dict[str, Any]) -> None:
        if self._server is None:
            return
        message = EmailMessage()
        message["From"] = SENDER
        message["To"] = ", ".join(self._to)
        message["Subject"] = " ".join(str(event.get("subject") or "Provisioning in quarantine").split())
        message["X-Provisioning-Job"] = str(event.get("jobId") or "")
        message.set_content(str(event.get("text") or event.get("reason") or ""))
        with smtplib.SMTP(self._server.host, self._server.port, timeout=_SECONDS) as smtp:
            smtp.send_message(message)


def _reason(error: OSError | smtplib.SMTPException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
