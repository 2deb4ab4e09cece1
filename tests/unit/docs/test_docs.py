"""The documentation names only what exists: links, paths, functions, commands, settings, decisions."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer

from cli.main import app
from config.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
DECISIONS = ROOT / "docs" / "decisions"
SCREENSHOT = ROOT / "docs" / "images" / "sandbox.png"
MAPPING = ROOT / "docs" / "pt-BR" / "do-documento-ao-sistema.md"
STATES = ("feito", "em parte", "substituído", "ainda não feito")

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
REFERENCE = re.compile(r"(?P<path>[\w.-]+(?:/[\w.-]+)*/?)(?::(?P<name>[A-Za-z_][\w.]*))?")
SETTING = re.compile(r"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=.*)?")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project that is not ignored, as git sees it."""
    listed = subprocess.run(
        [
            shutil.which("git") or "git",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("no git here: which files belong to the project is not known")
    found = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in found if path.is_file())


def documents() -> list[Path]:
    top = [ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    return FENCE.sub("", document.read_text("utf-8"))


def anchors(document: Path) -> set[str]:
    """The anchors GitHub gives a document's headings."""
    seen: Counter[str] = Counter()
    found = set()
    for title in re.findall(r"^#{1,6}\s+(.+?)\s*$", prose(document), re.MULTILINE):
        words = LINK.sub(lambda link: link[0][1:].split("]")[0], title)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken_links(document: Path) -> Iterator[str]:
    for target in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        if place == SCREENSHOT:
            continue  # judged by a test of its own
        if not place.exists():
            yield f"{target}: no such file"
        elif ROOT not in (place, *place.parents):
            yield f"{target}: outside the project"
        elif anchor and anchor not in anchors(place):
            yield f"{target}: no such heading"


def broken_references(document: Path) -> Iterator[str]:
    tops = {path.relative_to(ROOT).parts[0] for path in tracked()}
    for span in SPAN.findall(prose(document)):
        match = REFERENCE.fullmatch(span)
        if match is None:
            continue
        path, name = match["path"], match["name"]
        if path.split("/")[0] in tops and ("/" in path or "." in path or name):
            problem = _missing(ROOT / path, name)
        elif "/" not in span and ":" not in span and f"{span.split('.')[0]}" in tops:
            problem = _missing_module(span)
        else:
            continue
        if problem:
            yield f"{span}: {problem}"


def _missing(path: Path, name: str | None) -> str | None:
    if not path.exists():
        return "no such path"
    if name is None:
        return None
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return None if name in defined(path) else f"{path.name} defines no {name}"
    return None if re.search(rf"\b{re.escape(name)}\b", text) else f"{path.name} has no {name}"


def _missing_module(dotted: str) -> str | None:
    """`package.module.function`, `package.module.Class.method` or `package.module`."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        stem = ROOT.joinpath(*parts[:end])
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.exists():
                rest = ".".join(parts[end:])
                return None if not rest or rest in defined(file) else f"no {rest} in {file.name}"
    return "no such module"


@cache
def defined(file: Path) -> frozenset[str]:
    """Names a module defines, and `Class.member` for what its classes do."""
    return frozenset(_names(ast.parse(file.read_text("utf-8")).body, ""))


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef():
                yield prefix + node.name
                yield from _names(node.body, f"{prefix}{node.name}.")
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield prefix + node.name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case ast.Assign():
                yield from (prefix + t.id for t in node.targets if isinstance(t, ast.Name))
            case _:
                pass


@pytest.mark.parametrize("document", documents(), ids=lambda d: str(d.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    assert list(broken_links(document)) == []


@pytest.mark.parametrize("document", documents(), ids=lambda d: str(d.relative_to(ROOT)))
def test_every_path_and_name_a_document_mentions_exists(document: Path) -> None:
    assert list(broken_references(document)) == []


def test_a_wrong_link_path_and_name_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "[gone](gone.md) `domain/gone.py` `domain/turn.py:gone` `domain.turn.QuietRule.gone`\n"
        "`domain/turn.py:QuietRule.due` `domain.turn.QuietRule` `storage/schema.sql:outbox`\n"
    )
    assert list(broken_links(page)) == ["gone.md: no such file"]
    assert [line.split(":")[0] for line in broken_references(page)] == [
        "domain/gone.py",
        "domain/turn.py",
        "domain.turn.QuietRule.gone",
    ]


def test_every_command_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    group = typer.main.get_command(app)
    commands = set(getattr(group, "commands", ()))
    unknown = []
    for document in documents():
        text = document.read_text("utf-8")
        code = [*SPAN.findall(FENCE.sub("", text)), *"".join(FENCE.findall(text)).splitlines()]
        for said in code:
            made = re.match(r"\s*make ([a-z-]+)", said)
            if made and made[1] not in targets:
                unknown.append(f"{document.name}: {said}")
            called = re.match(r"\s*(?:\.venv/bin/)?vitrine ([a-z-]+)", said)
            if called and called[1] not in commands:
                unknown.append(f"{document.name}: {said}")
    assert unknown == []


def test_every_setting_a_document_names_exists() -> None:
    sample = (ROOT / "config" / "example.env").read_text("utf-8")
    known = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", sample, re.MULTILINE))
    known |= {name.upper() for name in Settings.model_fields}
    named = {
        (document.name, match[1])
        for document in documents()
        for span in SPAN.findall(prose(document))
        if (match := SETTING.fullmatch(span))
    }
    assert {(where, name) for where, name in named if name not in known} == set()


def test_the_first_line_of_the_readme_leads_to_the_portuguese_page() -> None:
    first = (ROOT / "README.md").read_text("utf-8").splitlines()[0]
    assert "docs/pt-BR/comece-aqui.md" in LINK.findall(first)


def test_the_readme_shows_the_phone_page() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert str(SCREENSHOT.relative_to(ROOT)) in LINK.findall(readme)
    if not SCREENSHOT.exists():
        pytest.skip("docs/images/sandbox.png is made by the browser tests, which have not run here")
    assert SCREENSHOT.read_bytes().startswith(b"\x89PNG")


def test_every_decision_has_a_number_of_its_own_and_is_listed() -> None:
    pages = sorted(DECISIONS.glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    listed = dict(
        re.findall(
            r"\| \d+ \| \[(?:[^\]]+)\]\((.+?)\) \| (.+?) \|", (DECISIONS / "README.md").read_text()
        )
    )
    assert sorted(listed) == [page.name for page in pages]
    for page, number in zip(pages, numbers, strict=True):
        text = page.read_text("utf-8")
        assert text.startswith(f"# {number}. "), page.name
        title = text.splitlines()[0].split(". ", 1)[1]
        assert f"[{title}]({page.name})" in (DECISIONS / "README.md").read_text("utf-8")
        for part in ("Context", "Decision", "Consequences", "What would change our mind"):
            assert f"**{part}.**" in text, f"{page.name}: no {part}"
        assert ("not built yet" in text.splitlines()[2]) == ("no" in listed[page.name].split()), (
            page.name
        )


def test_every_row_of_the_mapping_says_how_far_it_is() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in prose(MAPPING).splitlines()
        if line.startswith("|") and not line.startswith(("|---", "| linha", "| item"))
    ]
    assert len(rows) > 60
    wrong = [row[0] for row in rows if len(row) != 3 or not row[1].startswith(STATES)]
    assert wrong == []


def test_no_file_names_a_package_registry_or_somebodys_machine() -> None:
    # Put together here, or this file would find itself.
    registries = [
        "pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "registry." + "yarnpkg",
        "npm" + "mirror",
    ]  # fmt: skip
    folders = ["/" + "root/", "/" + "home/", "/" + "Users/", "/" + "work/"]
    forbidden = re.compile(
        "|".join(map(re.escape, registries))
        + "|"
        + "|".join(rf"(?<![\w.$}}>-]){folder}" for folder in folders)
    )
    found = []
    for path in tracked():
        raw = path.read_bytes()
        if b"\0" in raw[:8000]:
            continue
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
            if forbidden.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []
