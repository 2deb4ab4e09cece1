"""Makes `.venv` from a lock, with nothing but the Python that runs this: `install.py run|dev`.

Standard library only: it runs before anything is installed. A stamp with the hash of the lock makes
the next call quick and independent of the network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
# Sum of the wheels pip fetches for CPython 3.11 on x86-64 Linux with an empty cache (116 and 134).
DOWNLOAD_MB = {"run": 175, "dev": 255}
OLDEST, NEWEST = (3, 11), (3, 14)  # Ray 2.60 has wheels for 3.10 to 3.14; our code needs 3.11

WRAPPER = """#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -P -c 'from cli.main import app; app()' "$@"
"""


def main(kind: str) -> int:
    problem = unfit(sys.version_info[:2], has_ensurepip=has_module("ensurepip"))
    if problem:
        return fail(problem)
    lock = ROOT / LOCKS[kind]
    stamp = VENV / f".installed-{kind}"
    wanted = fingerprint(lock)
    if works(VENV) and stamp.exists() and stamp.read_text("ascii") == wanted:
        return 0
    began = time.monotonic()
    say(
        f"instalando as dependências em .venv: perto de {DOWNLOAD_MB[kind]} MB de download na "
        "primeira vez, de 1 a 5 minutos conforme a rede; depois disso, nada é baixado"
    )
    if not works(VENV):
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode != 0:
            return fail(f"o ambiente .venv não pôde ser criado: instale {venv_package()}")
    if not install(lock):
        return fail("a instalação falhou (acima, o que o pip disse); `make run` tenta de novo")
    add_ourselves()
    stamp.write_text(wanted, "ascii")
    say(f"dependências prontas em {time.monotonic() - began:.0f} s")
    return 0


def unfit(version: tuple[int, ...], *, has_ensurepip: bool) -> str | None:
    """Why this Python cannot be used, in one line; None when it can."""
    if not OLDEST <= version <= NEWEST:
        return (
            f"Python {version[0]}.{version[1]} não serve: instale um de {OLDEST[0]}.{OLDEST[1]} a "
            f"{NEWEST[0]}.{NEWEST[1]} (o Ray não tem pacotes para outros)"
        )
    if not has_ensurepip:
        return f"este Python veio sem venv/ensurepip: instale {venv_package()}"
    return None


def venv_package() -> str:
    return f"o pacote python{sys.version_info[0]}.{sys.version_info[1]}-venv (ou python3-venv)"


def has_module(name: str) -> bool:
    result = subprocess.run(
        [sys.executable, "-c", f"import {name}"], stderr=subprocess.DEVNULL, check=False
    )
    return result.returncode == 0


def works(venv: Path) -> bool:
    """Whether the environment's Python starts: one that was moved or lost its base does not."""
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    return (
        subprocess.run(
            [str(python), "-c", "import pip"], stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )


def fingerprint(lock: Path) -> str:
    content = lock.read_bytes() + f"{ROOT}\0{sysconfig.get_python_version()}".encode()
    return hashlib.sha256(content).hexdigest()


def install(lock: Path) -> bool:
    """Runs pip with hashes required; shows one line that counts on, and all it said if it failed."""
    total = sum(1 for line in lock.read_text("utf-8").splitlines() if line[:1].isalnum())
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "--require-hashes", "-r", str(lock)]
    said: list[str] = []
    count = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as pip:
        assert pip.stdout is not None  # noqa: S101
        for line in pip.stdout:
            said.append(line)
            if line.startswith(("Collecting ", "Requirement already")):
                count += 1
                name = line.removeprefix("Requirement already satisfied: ").removeprefix(
                    "Collecting "
                )
                progress(f"  [{min(count, total)}/{total}] {name.split(' ')[0].split('==')[0]}")
            elif line.startswith("Installing collected"):
                progress(f"  instalando {total} pacotes")
    progress("")
    if pip.returncode != 0:
        sys.stderr.writelines(said[-25:])
    return pip.returncode == 0


def add_ourselves() -> None:
    """Puts the checkout on the environment's path and a `vitrine` command beside its Python."""
    folder = next(VENV.glob("lib/python3*/site-packages"))
    (folder / "vitrine.pth").write_text(f"{ROOT}\n", "utf-8")
    command = VENV / "bin" / "vitrine"
    command.write_text(WRAPPER, "utf-8")
    command.chmod(0o755)


def install_chromium() -> int:
    """Gives the browser tests a browser where that needs no question; else they skip by name."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    if any(shutil.which(name) for name in names):
        return 0
    apt_get = shutil.which("apt-get")
    if os.geteuid() != 0 or apt_get is None:
        say("sem Chromium: os testes de navegador serão pulados (instale o pacote chromium)")
        return 0
    say("instalando o Chromium para os testes de navegador (perto de 90 MB)")
    apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(
            [apt_get, *arguments],
            env=apt,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    if shutil.which("chromium") is None:
        say("o Chromium não pôde ser instalado: os testes de navegador serão pulados")
    return 0


def progress(line: str) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\033[K{line}")
        sys.stdout.flush()


def say(line: str) -> None:
    print(line, flush=True)


def fail(line: str) -> int:
    print(f"✗ {line}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "chromium":
        sys.exit(install_chromium())
    if what not in LOCKS:
        sys.exit(fail("uso: install.py run|dev|chromium"))
    sys.exit(main(what))
