"""What a contact is told when a turn puts them into the people's queue: the place, and when people are there.

Code says it, not the model, so that both are true; it goes into the reply's last bubble, because Meta
charges each message.
"""

from __future__ import annotations

from agent.guardrails import MESSAGE_MAX, promises_person
from agent.wordings import wording


def with_place(
    bubbles: tuple[str, ...], *, position: int, hours: str, somebody_online: bool
) -> tuple[str, ...]:
    """The bubbles of a turn that raised a hand-over, with the place told in the last one.

    That a person will come is not said twice, and neither are the hours. What no longer fits gets a
    bubble of its own.
    """
    said = bubbles[-1] if bubbles else ""
    name = "queue_place" if promises_person(said) else "queue_notice"
    told = wording(name, position=position).text
    if not somebody_online and hours not in said:
        told = f"{told} {wording('nobody_online', hours=hours).text}"
    together = f"{said}\n\n{told}" if said else told
    if len(together.encode("utf-16-le")) // 2 > MESSAGE_MAX:
        return (*bubbles, told)
    return (*bubbles[:-1], together)
