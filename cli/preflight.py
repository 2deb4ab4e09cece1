"""What must be true of the machine before anything is started; each no is one readable line."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psutil

from domain.errors import RejectedError

LEAST_MEMORY: Final = 2 * 2**30  # idle goal of the whole program
GOOD_MEMORY: Final = 3 * 2**30
LEAST_DISK: Final = 1 * 2**30
PYTHONS: Final = ((3, 11), (3, 14))


class UnfitMachineError(RejectedError):
    """The machine cannot run Vitrine as it is; the message says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    python: tuple[int, int]
    has_ray: bool
    memory: int  # bytes a new process could use now
    disk: int  # bytes free where the state folder lies


def look(folder: Path) -> Machine:
    return Machine(
        python=(sys.version_info.major, sys.version_info.minor),
        has_ray=find_spec("ray") is not None,
        memory=available_memory(),
        disk=shutil.disk_usage(_existing(folder)).free,
    )


def check(machine: Machine) -> list[str]:
    """Raises UnfitMachineError for what cannot work; returns warnings for what may."""
    first, last = PYTHONS
    if not first <= machine.python <= last:
        raise UnfitMachineError(
            f"Python {machine.python[0]}.{machine.python[1]} não serve: o Ray tem pacotes para "
            f"{first[0]}.{first[1]} a {last[0]}.{last[1]}"
        )
    if not machine.has_ray:
        message = (
            "o Ray não está instalado neste Python: rode `make run`, que instala tudo em .venv"
        )
        raise UnfitMachineError(message)
    if machine.memory < LEAST_MEMORY:
        raise UnfitMachineError(
            f"só há {gigabytes(machine.memory)} de memória livre; o Vitrine parado já usa perto de "
            "2 GB: feche programas, ou use uma máquina com 4 GB ou mais"
        )
    if machine.disk < LEAST_DISK:
        raise UnfitMachineError(f"só há {gigabytes(machine.disk)} livres em disco; precisa de 1 GB")
    if machine.memory < GOOD_MEMORY:
        return [f"há só {gigabytes(machine.memory)} de memória livre; com 3 GB ou mais é seguro"]
    return []


def available_memory() -> int:
    """What the system, and the container around us if there is one, would still give."""
    available = int(psutil.virtual_memory().available)
    limit, used = (
        _read(Path("/sys/fs/cgroup/memory.max")),
        _read(Path("/sys/fs/cgroup/memory.current")),
    )
    if limit is not None and used is not None:
        cache = _file_cache(Path("/sys/fs/cgroup/memory.stat"))
        available = min(available, limit - used + cache)
    return available


def gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GB".replace(".", ",")


def _read(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):  # no container, or "max"
        return None


def _file_cache(file: Path) -> int:
    try:
        lines = file.read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def _existing(folder: Path) -> Path:
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return folder
