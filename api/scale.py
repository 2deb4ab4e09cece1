"""How many of each part there should be. A wish is stored here; the process that deployed does it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from api.access import Act, check_may
from api.answers import Page, PartAnswer
from api.bodies import RollOut, ScaleTo
from api.deps import Parts
from api.identity import Caller
from api.write import Writing, Written
from domain.errors import InvalidInputError, RejectedError
from domain.scale import MOST, Scale
from storage.connections import count_connections

router: Final = APIRouter(tags=["house"])


@router.get("/system/scale")
async def show_scale(caller: Caller, parts: Parts) -> Page[PartAnswer]:
    """What is wanted of each part, and whether it is so already."""
    check_may(caller, Act.READ_SYSTEM)
    wishes = (await parts.scale.list_parts()).values()
    return Page[PartAnswer](items=[_answer(scale) for scale in wishes])


@router.post("/system/scale", response_model=PartAnswer)
async def scale(body: ScaleTo, write: Writing) -> Response:
    """So many are wanted from now on, also after a restart. It happens within a minute or so."""
    parts = write.parts

    async def work() -> Written:
        if body.count > MOST[body.part]:
            raise InvalidInputError("body.count", f"no máximo {MOST[body.part]} de {body.part}")
        counts = {one.part: one.wanted for one in (await parts.scale.list_parts()).values()}
        counts[body.part] = body.count
        needed, room = await count_connections(parts.pool, parts.settings, counts)
        if needed > room:
            raise RejectedError(
                f"o PostgreSQL aceita {room} conexões e assim seriam até {needed}: "
                "aumente max_connections, ou diminua DEDICATED_ACTORS_MAX"
            )
        return _written(await parts.scale.want(body.part, body.count))

    return await write.run(Act.SCALE, work)


@router.post("/system/rollout", response_model=PartAnswer)
async def roll_out(body: RollOut, write: Writing) -> Response:
    """New replicas, from the code as it is on disk, take the place of the old; no request fails."""

    async def work() -> Written:
        return _written(await write.parts.scale.roll(body.part))

    return await write.run(Act.ROLL_OUT, work)


def _written(scale: Scale) -> Written:
    return Written(
        answer=_answer(scale), target=f"part/{scale.part}", details={"wanted": scale.wanted}
    )


def _answer(scale: Scale) -> PartAnswer:
    return PartAnswer(part=scale.part, wanted=scale.wanted, settled=scale.is_settled)
