"""What a call to the Graph API may end in, for the sender and for reads.

WhatsAppError
 ├─ GraphError                Meta said no, with a code: `failure` says what to do
 ├─ UnknownOutcomeError       it may have been done: never repeat blindly, wait for a status
 └─ GraphUnavailableError     (transient) a read did not work; nothing was changed
     └─ NotSentError          the request never reached Meta: safe to repeat

No message or attribute holds the token or what was sent.
"""

from __future__ import annotations

from typing_extensions import override

from domain.errors import RejectedError, TransientError, VitrineError
from integrations.whatsapp.failures import SendFailure, classify, classify_http


class WhatsAppError(VitrineError):
    """Any failure of a call to the Graph API."""


class GraphError(WhatsAppError):
    """The Graph API refused. `code` None: an answer of that HTTP status without a Graph error."""

    def __init__(
        self,
        http_status: int,
        code: int | None,
        title: str | None = None,
        details: str | None = None,
        fbtrace_id: str | None = None,
        subcode: int | None = None,
    ) -> None:
        super().__init__(http_status, code, title, details, fbtrace_id, subcode)
        self.http_status = http_status
        self.code = code
        self.title = title
        self.details = details
        self.fbtrace_id = fbtrace_id
        self.subcode = subcode

    @property
    def failure(self) -> SendFailure:
        """What the sender must do about it."""
        return classify_http(self.http_status) if self.code is None else classify(self.code)

    @override
    def __str__(self) -> str:
        said = self.details or self.title or self.failure.reason
        return f"Graph error {self.code} (HTTP {self.http_status}): {said}"


class UnknownOutcomeError(WhatsAppError):
    """Nobody can say whether Meta took the message: a status with our attempt id will, or never comes."""

    def __init__(
        self,
        reason: str,
        http_status: int | None = None,
        code: int | None = None,
        fbtrace_id: str | None = None,
    ) -> None:
        super().__init__(reason, http_status, code, fbtrace_id)
        self.reason = reason
        self.http_status = http_status
        self.code = code
        self.fbtrace_id = fbtrace_id

    @override
    def __str__(self) -> str:
        return f"the outcome of the call is unknown: {self.reason}"


class GraphUnavailableError(WhatsAppError, TransientError):
    """A call did not work and changed nothing; count it and go on, or try later."""


class NotSentError(GraphUnavailableError):
    """The request never reached Meta: no connection, or none free. Safe to repeat."""


class ForeignMediaHostError(WhatsAppError, RejectedError):
    """A media address on a host that must not see the token."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    @override
    def __str__(self) -> str:
        return f"media on {self.host!r} is not fetched: the token stays with Meta's hosts"


class MediaUnusableError(WhatsAppError, RejectedError):
    """A downloaded file is larger than allowed or not the file that was announced."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @override
    def __str__(self) -> str:
        return self.reason
