"""storage/timers.py in memory."""

from __future__ import annotations

from domain.ids import ConversationId
from tests.fakes.database import FakeDatabase


class FakeTimers:
    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def fire_due(self, *, limit: int = 200) -> list[ConversationId]:
        db = self._db
        due = sorted(
            (t for t in db.timers.values() if t.due_at <= db.now()), key=lambda t: t.due_at
        )
        rung = []
        for timer in due[:limit]:
            del db.timers[timer.id]
            payload = {**timer.payload, "timer": timer.kind, "key": timer.key}
            key = f"timer:{timer.id}"
            if db.file("timer", timer.conversation_id, key, payload, at=timer.due_at):
                rung.append(timer.conversation_id)
        return rung
