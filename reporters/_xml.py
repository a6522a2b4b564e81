"""The least of a DOM that unittest-xml-reporting writes a test case into."""

from __future__ import annotations

import re

__all__ = ["CData", "Document", "Element", "attributes"]

_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
)
_special = re.compile(r'[&<>"\n\t]').search


class CData:
    """A CDATA section."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def xml(self) -> str:
        """Return it as XML; xmlrunner has split the text where it held ``]]>``."""
        return f"<![CDATA[{self._text}]]>"


class Element:
    """An element with attributes in the order in which they were set."""

    __slots__ = ("_attributes", "_name", "children")

    def __init__(self, name: str) -> None:
        self._name = name
        self._attributes: dict[str, str] = {}
        self.children: list[Element | CData] = []

    def setAttribute(self, name: str, value: str) -> None:
        """Set an attribute."""
        self._attributes[name] = value

    def appendChild(self, child: Element | CData) -> None:
        """Add a child."""
        self.children.append(child)

    def insert_before_output(self, child: Element) -> None:
        """Add a child where the schema wants it: before ``system-out``."""
        at = len(self.children)
        while at and getattr(self.children[at - 1], "_name", "").startswith("system-"):
            at -= 1
        self.children.insert(at, child)

    def xml(self) -> str:
        """Return it as XML."""
        head = f"<{self._name}{attributes(self._attributes)}"
        if not self.children:
            return f"{head}/>"
        return f"{head}>{''.join([child.xml() for child in self.children])}</{self._name}>"


class Document:
    """Make elements; keep none."""

    @staticmethod
    def createElement(name: str) -> Element:
        """Return an element."""
        return Element(name)

    @staticmethod
    def createCDATASection(text: str) -> CData:
        """Return a CDATA section."""
        return CData(text)


def attributes(values: dict[str, str]) -> str:
    """Return attributes as XML, each with a blank before it."""
    text = ""
    for name, value in values.items():
        if _special(value):  # A look costs a tenth of a translation.
            value = value.translate(_ESCAPES)
        text += f' {name}="{value}"'
    return text
