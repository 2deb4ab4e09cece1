"""Reading the audit log: who did and read what, newest first."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from api.access import Act, check_may
from api.answers import AuditAnswer, Page
from api.cursor import read_place, write_place
from api.deps import Parts
from api.identity import Caller
from storage.audit import PAGE_MAX, AuditLine, list_lines

router: Final = APIRouter(tags=["house"])


@router.get("/audit")
async def show_audit(
    caller: Caller,
    parts: Parts,
    target: Annotated[
        str | None, Query(max_length=200, description="Exactly, such as `conversation/<id>`.")
    ] = None,
    actor: Annotated[
        str | None, Query(max_length=200, description="Exactly, such as `operator/<id>`.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[AuditAnswer]:
    """Newest first. Each page read is a line itself, which the next first page shows."""
    check_may(caller, Act.READ_AUDIT)
    found = await list_lines(
        parts.pool, limit=limit + 1, before=read_place(cursor), target=target, actor=actor
    )
    shown = found[:limit]
    # Which lines, never the words of the filter: they may hold anything.
    read: dict[str, Any] = {
        "by": [name for name, said in (("target", target), ("actor", actor)) if said]
    }
    if shown:
        read |= {"newest": shown[0].seq, "oldest": shown[-1].seq}
    line = AuditLine(
        at=parts.clock.now(),
        actor=caller.audit_name,
        action=Act.READ_AUDIT.value,
        target="audit",
        details=read,
    )
    await parts.audit.record(line)
    following = shown[-1].seq if len(found) > limit else None
    items = [
        AuditAnswer(
            seq=one.seq,
            at=one.at,
            actor=one.actor,
            action=one.action,
            target=one.target,
            details=dict(one.details),
        )
        for one in shown
    ]
    return Page[AuditAnswer](items=items, next_cursor=write_place(following))
