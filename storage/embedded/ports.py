"""Free loopback ports, one book per checkout, so that two checkouts never meet."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from zlib import crc32

# Below the ephemeral range (Linux 32768+) and Ray Serve's default 30000-31000: a port found here
# is not taken by a passing outgoing connection before the next start.
LOWEST = 15_000
HIGHEST = 29_500
BLOCK = 100  # what one checkout needs, and room to replace


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing listens on `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_block(seed: str) -> int:
    """The first port of a block of which none is in use, from a place that depends on `seed`.

    Two checkouts start at different blocks (but one time in 145); a block in use is passed over.
    """
    blocks = (HIGHEST - LOWEST) // BLOCK
    start = crc32(seed.encode()) % blocks
    for step in range(blocks):
        first = LOWEST + (start + step) % blocks * BLOCK
        if all(is_free(port) for port in range(first, first + BLOCK)):
            return first
    message = f"no {BLOCK} free ports in a row between {LOWEST} and {HIGHEST}"
    raise OSError(message)


class PortBook:
    """The ports of one checkout, remembered in a file; a remembered port that is taken is replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file.resolve()

    def take(self, name: str, *, span: int = 1) -> int:
        """The first of `span` ports for `name`: those remembered if free, else others, noted."""
        book = self._read()
        known = book.get(name)
        if known is not None and all(is_free(port) for port in range(known, known + span)):
            return known
        found = self._in_block(book, span)
        if found is None:
            book = {"block": find_block(str(self._file)), "block_used": 0}
            found = self._in_block(book, span)
        if found is None:
            message = f"{span} ports do not fit a block of {BLOCK}"
            raise OSError(message)
        self._write(book | {name: found, "block_used": found + span - book["block"]})
        return found

    def known(self, name: str) -> int | None:
        """The port last noted for `name`; nothing is checked."""
        return self._read().get(name)

    def note(self, name: str, port: int) -> None:
        """Remembers a port chosen elsewhere."""
        self._write(self._read() | {name: port})

    def _in_block(self, book: dict[str, int], span: int) -> int | None:
        """The next free row of our block, past what was given before; None when it is used up."""
        if "block" not in book:
            return None
        first = book["block"] + book["block_used"]
        for port in range(first, book["block"] + BLOCK - span + 1):
            if all(is_free(one) for one in range(port, port + span)):
                return port
        return None

    def _read(self) -> dict[str, int]:
        try:
            raw = json.loads(self._file.read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        if not isinstance(raw, dict):
            return {}
        return {str(name): port for name, port in raw.items() if isinstance(port, int)}

    def _write(self, book: dict[str, int]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(book, indent=1, sort_keys=True) + "\n", "utf-8")
        fresh.replace(self._file)
