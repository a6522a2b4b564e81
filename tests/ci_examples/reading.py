"""What the files of the examples hold: their documents, and the shell in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tree_sitter
import tree_sitter_groovy
import yaml
from ci_examples.deployment import EXAMPLES

HURRY = {"120": "2", "--wait 60": "--wait 2"}
"""Seconds to wait for a deployment, in the files and here."""


def source(name: str) -> str:
    """Return the text of a file of the examples, with less patience."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for patience, here in HURRY.items():
        text = text.replace(patience, here)
    return text


def documents(name: str, text: str | None = None) -> list[Any]:
    """Return the documents of a YAML file."""
    return list(yaml.safe_load_all(source(name) if text is None else text))


def document(name: str) -> Any:
    """Return the one document of a YAML file."""
    (found,) = documents(name)
    return found


def rendered(name: str) -> str:
    """Return a template of the chart as Helm would: with values, and nothing else, replaced."""
    values = {f".Values.{name}": str(value) for name, value in flat(document("helm/values.yaml"))}
    text = source(name)
    for key, value in {**values, ".Release.Name": "shop"}.items():
        text = text.replace(f"{{{{ {key} }}}}", value)
    assert "{{" not in text
    return text


def flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dicts by their paths."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


GROOVY = tree_sitter.Language(tree_sitter_groovy.language())


def groovy(name: str) -> tree_sitter.Node:
    """Return the syntax tree of a Jenkinsfile."""
    return tree_sitter.Parser(GROOVY).parse(source(name).encode()).root_node


def nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield a node and all below it, in order."""
    yield node
    for child in node.children:
        yield from nodes(child)


def text_of(node: tree_sitter.Node) -> str:
    """Return the source of a node."""
    assert node.text is not None
    return node.text.decode()


def shell_of_groovy(name: str) -> list[str]:
    """Return what the ``sh`` steps of a Jenkinsfile run."""
    found = []
    for node in nodes(groovy(name)):
        if node.type in STEPS and text_of(node).startswith("sh"):
            first = next(child for child in nodes(node) if child.type in STRINGS)
            found.append(unquoted(text_of(first)))
    return found


STEPS = ("method_invocation", "juxt_function_call")
STRINGS = ("string_literal", "character_literal")


def unquoted(text: str) -> str:
    """Return the value of a string in single quotes, as Groovy reads it."""
    quote = "'''" if text.startswith("'''") else "'"
    inner = text.removeprefix(quote).removesuffix(quote)
    return inner.replace("\\\n", "").replace("\\\\", "\\")
