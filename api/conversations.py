"""Reading conversations: the inbox and one of them."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from api.access import Act, Principal, check_may, may_see_row, row_scope
from api.answers import ConversationAnswer, ConversationItem, Mode, Page
from api.cursor import read_cursor, write_cursor
from api.deps import ApiParts, Parts
from api.identity import Caller
from api.shapes import conversation_for, item_for
from domain.errors import InvalidInputError, NotFoundError
from domain.ids import ConversationId
from storage.audit import AuditLine
from storage.conversation_page import find_page
from storage.inbox_page import PAGE_MAX, InboxFilter
from storage.merge import Merges

router: Final = APIRouter(tags=["conversations"])


@router.get("/conversations")
async def list_conversations(
    caller: Caller,
    parts: Parts,
    q: Annotated[
        str, Query(max_length=200, description="Part of a phone, a name, or words said.")
    ] = "",
    mode: Mode | None = None,
    assignee: Annotated[
        UUID | Literal["me", "none"] | None, Query(description="An operator's id, `me` or `none`.")
    ] = None,
    queue: Annotated[bool | None, Query(description="Waiting for a person, or not.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[ConversationItem]:
    """Newest first. A search looks at the newest thousand messages that fit."""
    check_may(caller, Act.READ_CONVERSATIONS)
    wanted = InboxFilter(
        scope=row_scope(caller),
        q=q,
        mode=mode,
        assignee=_assignee(assignee, caller),
        unassigned=assignee == "none",
        queue=queue,
    )
    rows, following = await parts.inbox.list_page(wanted, limit=limit, after=read_cursor(cursor))
    ids = [str(row["id"]) for row in rows]
    await _audit_read(parts, caller, "conversations", {"ids": ids, "search": bool(q)})
    items = [item_for(caller, row, parts.brl_per_usd) for row in rows]
    return Page[ConversationItem](items=items, next_cursor=write_cursor(following))


@router.get("/conversations/{conversation_id}")
async def show_conversation(
    conversation_id: UUID,
    caller: Caller,
    parts: Parts,
    messages_before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> ConversationAnswer:
    """With its newest 200 messages (or those before `messages_before`), turns, notes and timeline.

    One that was merged into another answers with the other: `id` says which.
    """
    check_may(caller, Act.READ_CONVERSATIONS)
    conversation_id = await Merges(parts.pool).find_current(ConversationId(conversation_id))
    row = await parts.inbox.find_item(conversation_id)
    if row is None or not may_see_row(caller, row["assignee_id"]):
        raise NotFoundError("conversation", str(conversation_id))
    page = await find_page(parts.pool, conversation_id, messages_before=messages_before)
    if page is None:
        raise NotFoundError("conversation", str(conversation_id))
    actor = await parts.actors.find_actor_of(conversation_id)
    await _audit_read(parts, caller, f"conversation/{conversation_id}", {})
    return conversation_for(caller, row, page, actor, parts.brl_per_usd)


def _assignee(assignee: UUID | str | None, caller: Principal) -> UUID | None:
    if isinstance(assignee, UUID):
        return assignee
    if assignee in {None, "none"}:
        return None
    if assignee == "me":
        return caller.operator_id
    raise InvalidInputError("query.assignee", "must be an operator's id, me or none")


async def _audit_read(
    parts: ApiParts, caller: Principal, target: str, details: dict[str, object]
) -> None:
    line = AuditLine(
        at=parts.clock.now(),
        actor=caller.audit_name,
        action=Act.READ_CONVERSATIONS.value,
        target=target,
        details=details,
    )
    await parts.audit.record(line)
