"""The people of the house: who they are, and each one's own password."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.access import Act, check_may
from api.answers import Done, Page, UserAnswer
from api.bodies import NewUser, PasswordChange, UserChange
from api.deps import Parts
from api.identity import LOGIN, Caller, check_limit
from api.problems import ProblemError
from api.write import Writing, Written
from domain.errors import InvalidInputError, NotFoundError
from domain.ids import OperatorId
from storage.operators import (
    Operator,
    Role,
    change_operator,
    check_password,
    create_operator,
    find_operator,
    has_password,
    list_operators,
    set_password,
)
from storage.sessions import close_other_sessions

router: Final = APIRouter(tags=["people"])


@router.get("/users")
async def show_users(caller: Caller, parts: Parts) -> Page[UserAnswer]:
    """Everybody who can sign in, active ones first."""
    check_may(caller, Act.READ_USERS)
    return Page[UserAnswer](items=[_answer(one) for one in await list_operators(parts.pool)])


@router.post("/users", status_code=201, response_model=UserAnswer)
async def create(body: NewUser, write: Writing) -> Response:
    async def work() -> Written:
        made = await create_operator(
            write.parts.pool,
            email=body.email,
            name=body.name,
            role=Role(body.role),
            password=body.password.get_secret_value(),
            password_is_initial=True,
        )
        operator = await find_operator(write.parts.pool, made)
        if operator is None:
            raise NotFoundError("operator", str(made))
        details = {"role": body.role}
        return Written(answer=_answer(operator), target=f"operator/{made}", details=details)

    return await write.run(Act.CREATE_USER, work, status=201)


@router.patch("/users/{user_id}", response_model=UserAnswer)
async def change(user_id: UUID, body: UserChange, write: Writing) -> Response:
    """Somebody made inactive is signed out at once; their conversations stay theirs until assigned."""

    async def work() -> Written:
        operator = await change_operator(
            write.parts.pool,
            OperatorId(user_id),
            name=body.name,
            role=None if body.role is None else Role(body.role),
            active=body.active,
        )
        details = body.model_dump(exclude_none=True, include={"role", "active"})
        return Written(answer=_answer(operator), target=f"operator/{user_id}", details=details)

    return await write.run(Act.CHANGE_USER, work)


@router.post("/me/password", response_model=Done)
async def change_own_password(body: PasswordChange, write: Writing) -> Response:
    """Takes the current one too; every other session of this person ends."""
    who, parts = write.principal, write.parts
    if who.session_id is None:
        raise ProblemError(403, "Um programa não troca a senha de uma pessoa; entre no painel.")
    limited = f"password {who.operator_id}"
    await check_limit(parts, LOGIN, limited)

    async def work() -> Written:
        new = body.new_password.get_secret_value()
        check_password(new)
        if not await has_password(
            parts.pool, who.operator_id, body.current_password.get_secret_value()
        ):
            raise InvalidInputError("body.current_password", "a senha atual não confere")
        await parts.limits.forgive(LOGIN, limited)
        await set_password(parts.pool, who.operator_id, new)
        await close_other_sessions(parts.pool, who.operator_id, who.session_id)
        return Written(answer=Done(), target=f"operator/{who.operator_id}")

    return await write.run(Act.CHANGE_PASSWORD, work)


def _answer(operator: Operator) -> UserAnswer:
    return UserAnswer(
        id=operator.id,
        name=operator.name,
        email=operator.email,
        role=operator.role.value,
        active=operator.active,
        online=operator.active and operator.online,
        password_is_initial=operator.password_is_initial,
    )
