"""The strict ledger: every message that passed, both ways, with times, ticks and callback data."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from typing import Any

import orjson

from sandbox.store import Store

RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.touched: dict[str, int] = {}  # customer -> changes so far, for whoever looks on

    def add(
        self,
        *,
        wamid: str,
        customer: str,
        pnid: str,
        direction: str,
        kind: str,
        content: dict[str, Any],
        callback: str | None = None,
        category: str | None = None,
        status: str = "accepted",
    ) -> None:
        self._store.write(
            "INSERT INTO chat (wamid, customer, pnid, direction, type, content, callback, status, at,"
            " category) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                wamid,
                customer,
                pnid,
                direction,
                kind,
                orjson.dumps(_storable(content)).decode(),
                callback,
                status,
                time.time(),
                category,
            ),
        )
        self._touch(customer)

    def mark(self, wamid: str, status: str, *, error: dict[str, Any] | None = None) -> None:
        """Record a status; the shown one only moves forward."""
        row = self._store.row("SELECT status, customer FROM chat WHERE wamid = ?", (wamid,))
        if row is None:
            return
        shown = status if RANK.get(status, 0) >= RANK.get(row["status"], 0) else row["status"]
        column = (
            f"{status}_at"
            if f"{status}_at" in ("sent_at", "delivered_at", "read_at", "failed_at")
            else None
        )
        stamp = f", {column} = ?" if column else ""
        values: list[Any] = [shown, orjson.dumps(error).decode() if error else None]
        if column:
            values.append(time.time())
        self._store.write(
            f"UPDATE chat SET status = ?, error = COALESCE(?, error){stamp} WHERE wamid = ?",  # noqa: S608
            (*values, wamid),
        )
        self._touch(row["customer"])

    def _touch(self, customer: str) -> None:
        self.touched[customer] = self.touched.get(customer, 0) + 1

    def mark_taken(self, wamids: list[str]) -> None:
        """The product answered 200 to the webhook of these inbound messages."""
        for wamid in wamids:
            self._store.write(
                "UPDATE chat SET status = 'taken', delivered_at = COALESCE(delivered_at, ?)"
                " WHERE wamid = ? AND direction = 'in' AND status != 'read'",
                (time.time(), wamid),
            )
            row = self._store.row("SELECT customer FROM chat WHERE wamid = ?", (wamid,))
            if row is not None:
                self._touch(row["customer"])

    def get(self, wamid: str) -> dict[str, Any] | None:
        row = self._store.row("SELECT * FROM chat WHERE wamid = ?", (wamid,))
        return entry(row) if row else None

    def chat(self, customer: str, *, limit: int = 200) -> list[dict[str, Any]]:
        """The newest messages of one customer, oldest first."""
        rows = self._store.rows(
            "SELECT * FROM (SELECT * FROM chat WHERE customer = ? ORDER BY seq DESC LIMIT ?) ORDER BY seq",
            (customer, limit),
        )
        return [entry(row) for row in rows]

    def entries(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        direction: str | None = None,
        customer: str | None = None,
        callback: str | None = None,
    ) -> list[dict[str, Any]]:
        wanted: list[tuple[str, Any]] = [("seq > ?", after)]
        for name, value in (
            ("direction", direction),
            ("customer", customer),
            ("callback", callback),
        ):
            if value is not None:
                wanted.append((f"{name} = ?", value))
        where = " AND ".join(sql for sql, _ in wanted)
        rows = self._store.rows(
            f"SELECT * FROM chat WHERE {where} ORDER BY seq LIMIT ?",  # noqa: S608
            (*(value for _, value in wanted), limit),
        )
        return [entry(row) for row in rows]

    def last_per_customer(self) -> dict[str, dict[str, Any]]:
        rows = self._store.rows(
            "SELECT * FROM chat WHERE seq IN (SELECT MAX(seq) FROM chat GROUP BY customer)"
        )
        return {row["customer"]: entry(row) for row in rows}

    def unsettled(self, *, since: float) -> list[dict[str, Any]]:
        """Outbound messages whose ticks were still on their way when the sandbox stopped."""
        rows = self._store.rows(
            "SELECT * FROM chat WHERE direction = 'out' AND status IN ('accepted', 'sent') AND at > ?",
            (since,),
        )
        return [entry(row) for row in rows]

    def proof(self, customer: str | None = None) -> dict[str, Any]:
        """How often each group of customer messages was answered, and what was doubled.

        A group is what a customer wrote without an answer in between; failed sends do not count.
        """
        if customer is None:
            rows = self._store.rows(
                "SELECT customer, direction, wamid, callback, status, content, type FROM chat ORDER BY seq"
            )
        else:
            rows = self._store.rows(
                "SELECT customer, direction, wamid, callback, status, content, type FROM chat"
                " WHERE customer = ? ORDER BY seq",
                (customer,),
            )
        groups: dict[str, list[dict[str, list[str]]]] = {}
        callbacks: Counter[str] = Counter()
        twice: list[str] = []
        seen: dict[str, set[str]] = {}
        for row in rows:
            if row["type"] == "reaction":
                continue
            own = groups.setdefault(row["customer"], [])
            if row["direction"] == "in":
                if not own or own[-1]["outbound"]:
                    own.append({"inbound": [], "outbound": []})
                    seen[row["customer"]] = set()
                own[-1]["inbound"].append(row["wamid"])
                continue
            if row["callback"]:
                callbacks[row["callback"]] += 1
            if row["status"] == "failed":
                continue
            said = seen.setdefault(row["customer"], set())
            if row["content"] in said:
                twice.append(row["wamid"])
            said.add(row["content"])
            if own:
                own[-1]["outbound"].append(row["wamid"])
        flat = [group for own in groups.values() for group in own]
        return {
            "groups": len(flat),
            "answered_once": sum(len(g["outbound"]) == 1 for g in flat),
            "unanswered": sum(not g["outbound"] for g in flat),
            "answered_more": sum(len(g["outbound"]) > 1 for g in flat),
            "same_content_twice": twice,
            "same_callback_twice": [c for c, n in callbacks.items() if n > 1],
            "last": flat[-1] if customer and flat else None,
        }


def entry(row: sqlite3.Row) -> dict[str, Any]:
    body = dict(row)
    body["content"] = orjson.loads(body["content"])
    body["error"] = orjson.loads(body["error"]) if body["error"] else None
    return body


def _storable(content: Any) -> Any:
    """Lone surrogates travel on the wire but cannot be stored as UTF-8."""
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    if isinstance(content, dict):
        return {k: _storable(v) for k, v in content.items()}
    if isinstance(content, list):
        return [_storable(v) for v in content]
    return content
