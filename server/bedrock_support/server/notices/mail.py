"""Mail by SMTP, in a thread: over TLS from the start, or by STARTTLS, unless it goes to this machine."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import anyio
from anyio import to_thread

from bedrock_support.server.notices.notice import Notice, Undelivered

SECONDS = 10.0
IMPLICIT_TLS = 465


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Implements Target."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = ""
    plain: bool = False
    """Without TLS; settings allow it for this machine alone."""

    @property
    def name(self) -> str:
        return f"mail by {self.host}"

    async def send(self, notice: Notice) -> None:
        await to_thread.run_sync(self._deliver, notice, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))

    def _deliver(self, notice: Notice) -> None:
        try:
            with self._connected() as smtp:
                if self.user:
                    smtp.login(self.user, self.password)
                smtp.send_message(self._message(notice))
        except smtplib.SMTPResponseException as error:
            raise Undelivered(f"SMTP {error.smtp_code}", lasting=error.smtp_code >= 500) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Undelivered(type(error).__name__) from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.port == IMPLICIT_TLS:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context)
        smtp = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        if not self.plain:
            smtp.starttls(context=context)
        return smtp

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(notice.subject.split())
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Date"] = format_datetime(datetime.fromtimestamp(notice.at, UTC))
        message["Message-ID"] = f"<{notice.id}@bedrock-support.invalid>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{notice.text}\n\n{notice.repeats} more of its kind were kept back before.\n")
        return message
