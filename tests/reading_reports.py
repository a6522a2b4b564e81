"""The programs that read reports for a living, and the reports that they are given."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support import ROOT, Project

CONSUMERS = ROOT / "tests" / "consumers"
TAP_PARSER = CONSUMERS / "node_modules/tap-parser/bin/cmd.cjs"
FORMATS = ("junit", "json", "jsonl", "ctrf", "github", "markdown", "nagios", "openmetrics", "html")


def write_reports(folder: Path) -> Path:
    """Write a report of the nasty probes in every format into a folder."""
    kinds = [f"--report={kind}={folder}/report.{kind}" for kind in FORMATS]
    done = Project(ROOT / "tests" / "project").probe("--format=tap", *kinds)
    (folder / "report.tap").write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    return folder


@contextlib.contextmanager
def node_exporter(folder: str) -> Iterator[str]:
    """Start Prometheus' node_exporter with a folder of textfiles; yield what it tells a scraper."""
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None:
        pytest.skip("node_exporter is not installed: apt-get install prometheus-node-exporter")
    collector = "--collector.textfile"
    options = ["--collector.disable-defaults", collector, f"{collector}.directory={folder}"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    command = [program, *options, f"--web.listen-address={address}"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in running.stderr:
            if "address=" in line:  # It listens.
                break
        straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with straight.open(f"http://{address}/metrics", timeout=20) as answer:
            yield answer.read().decode()
    finally:
        running.terminate()
        running.communicate()


def node(script, *args, **options):
    """Run a script of tests/consumers with Node; return what it prints."""
    program = shutil.which("node")
    if program is None or not (CONSUMERS / "node_modules").is_dir():
        pytest.skip("the readers that need Node are not installed: make consumers")
    command = [program, str(CONSUMERS / script), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


# As the runner of GitHub reads a line: ActionCommand.TryParseV2.
COMMAND = re.compile(r"^::(?P<level>[a-z-]+)(?: (?P<properties>.*?))?::(?P<message>.*)$")
UNESCAPED = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


def unescaped(text):
    return re.sub("%(25|0D|0A|3A|2C)", lambda found: UNESCAPED[found[0]], text)


def annotations(text):
    """Return what GitHub takes from annotations: dicts of strings."""
    found = []
    for line in text.splitlines():
        command = COMMAND.match(line)
        assert command, line
        pairs = (pair.partition("=") for pair in command["properties"].split(","))
        properties = {name: unescaped(value) for name, _, value in pairs}
        message = unescaped(command["message"])
        found.append({"level": command["level"], "message": message, **properties})
    return found


class Page(HTMLParser):
    """What a reader of HTML sees: its elements, and the text outside of code."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.depth, self.loose = Counter(), 0, ""
        self.code: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        if tag in ("code", "pre"):
            if not self.depth:
                self.code.append("")
            self.depth += 1

    def handle_endtag(self, tag):
        self.depth -= tag in ("code", "pre")

    def handle_data(self, data):
        if self.depth:
            self.code[-1] += data
        else:
            self.loose += data


def rendered(text):
    """Return Markdown as GitHub and GitLab render it."""
    from markdown_it import MarkdownIt

    return Page(MarkdownIt("gfm-like", {"html": True}).render(text))
