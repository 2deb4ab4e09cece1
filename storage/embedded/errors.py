"""What stops a server; the words are for the person at the terminal."""

from __future__ import annotations

from domain.errors import RejectedError


class ServerRefusedError(RejectedError):
    """A server cannot be used as it is: the message says why and what would be right."""


class ServerStartError(RejectedError):
    """A server of ours did not start; the message ends with the last lines of its log."""
