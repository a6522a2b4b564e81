"""The documents as data: their tables, code blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"

_SPAN = re.compile(r"`([^`]+)`")
_FENCE = re.compile(r"(`{3,})(.*)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def documents() -> list[Path]:
    """Return every document of the project."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "demo").glob("*.md")])


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the last line of text before it, its heading."""

    language: str
    code: str
    before: str
    heading: str


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    found, heading, before = [], "", ""
    fence, language = "", ""
    code: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if fence and line == fence:
            text = "".join(f"{line}\n" for line in code)
            found.append(Block(language, text, before, heading))
            fence, before, code = "", "", []
        elif fence:
            code.append(line)
        elif opening := _FENCE.match(line):
            fence, language = opening.groups()
        elif line.startswith("#"):
            heading, before = line.lstrip("# "), ""
        elif line.strip():
            before = line
    return found


def examples(path: Path, *headings: str) -> list[Block]:
    """Return the blocks that stand right below one of the headings."""
    return [block for block in blocks(path) if block.heading in headings]


def prose(path: Path) -> list[str]:
    """Return the lines of a document that are not in a fenced block."""
    text = re.sub(
        r"^(`{3,}).*?^\1$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return text.splitlines()


def section(path: Path, heading: str) -> list[str]:
    """Return the lines below a heading, to the next one that is as high."""
    lines = iter(prose(path))
    level = next(line for line in lines if line.lstrip("# ") == heading and line[:1] == "#")
    end = re.compile(rf"#{{1,{len(level) - len(level.lstrip('#'))}}} ")
    found = []
    for line in lines:
        if end.match(line):
            break
        found.append(line)
    return found


def rows(path: Path, heading: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in a section, heads left out."""
    lines = section(path, heading)
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("|") and not line.startswith("|---") and following[:4] != "|---":
            cells = re.split(r"(?<!\\)\|", line.strip("|"))
            yield [cell.replace("\\|", "|").strip() for cell in cells]


def spans(text: str) -> list[str]:
    """Return the pieces of code in a line of text."""
    return _SPAN.findall(text)


def defined(path: Path, heading: str) -> list[str]:
    """Return what the tables of a section define: the code in their first column."""
    return [name for cells in rows(path, heading) for name in spans(cells[0])]


def anchors(path: Path) -> set[str]:
    """Return the anchors that a reader of Markdown gives to the headings."""
    titles = (line.lstrip("# ") for line in prose(path) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield (file, anchor) for each link to a file of the project."""
    for target in _LINK.findall("\n".join(prose(path))):
        if "://" not in target and not target.startswith("mailto:"):
            name, _, anchor = target.partition("#")
            yield (path.parent / name if name else path).resolve(), anchor


# What is another one in each run, and at each place, or on another Python or Django.
_CHANGING = (
    (re.compile(r"\S+/python[\d.]* manage\.py"), "python manage.py"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00"), "<moment>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\d+\.\d+(e-\d+)?"), "<seconds>"),
    (re.compile(r' (hostname|value)="[^"]*"'), r' \1="<host>"'),
    (re.compile(r'"(instance|testEnvironment)": "[^"]*"'), r'"\1": "<host>"'),
    (re.compile(r" · on \S+|^on <code>\S+", re.MULTILINE), " · on <host>"),
    (re.compile(r'"(start|stop|duration)": \d+'), r'"\1": <milliseconds>'),
    (re.compile(r'(?<=")[^"]*/(?=shop/probes\.py\\?")'), ""),
    (re.compile(r"\b\d+ (migrations are missing|library frames?)"), r"<n> \1"),
    (re.compile(r"\\n[ ]*[~^]+[ ~^]*(?=\\n)"), ""),
    (re.compile(r"(django_probe_\w*seconds(?:\{.*\})?) [\d.e+-]+"), r"\1 <n>"),
    (re.compile(r" +"), " "),
)


def settled(text: str) -> list[str]:
    """Return lines without what changes from run to run, and without Python's markers."""
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return [
        line.rstrip() for line in text.splitlines() if not re.fullmatch(r"[ ~^]*[~^][ ~^]*", line)
    ]


def keep(path: Path, block: Block, real: str) -> None:
    """Put what the command really wrote in the place of an example, without this machine's names."""
    text = re.sub(r'(?<=")[^"]*/(?=shop/probes\.py\\?")', "/srv/mysite/", real)
    text = re.sub(r"\S+/python[\d.]* manage\.py", "python manage.py", text)
    text = re.sub(r"( · on |^on <code>)[^\s<]+", r"\1web-1", text, flags=re.MULTILINE)
    text = re.sub(
        r'((?:hostname|value)="|"(?:instance|testEnvironment)": ")[^"]*', r"\1web-1", text
    )
    lines = [
        line if len(line) < 160 or line[0] == "<" else _cut(line) for line in text.splitlines()
    ]
    code = "".join(f"{line}\n" for line in lines)
    before = f"```{block.language}\n{block.code}```"
    document = path.read_text(encoding="utf-8")
    after = f"```{block.language}\n{code}```"
    path.write_text(document.replace(before, after, 1), encoding="utf-8")


def _cut(line: str) -> str:
    comma = line.rfind(", ", 0, 150)
    return f"{line[:comma]}, …" if comma > 0 else f"{line[: line.rfind(' ', 0, 150)]} …"


def differences(shown: str, real: str) -> list[str]:
    """Return the lines of an example that are not so; one that ends in ``…`` is cut there."""
    wanted, got = settled(shown), settled(real)
    wrong = [
        f"shown {line!r}, but it is {other!r}"
        for line, other in zip(wanted, got, strict=False)
        if not (line == other or (line.endswith("…") and other.startswith(line[:-1])))
    ]
    if len(wanted) != len(got):
        wrong.append(f"shown {len(wanted)} lines, but there are {len(got)}: {got[len(wanted) :]}")
    return wrong
