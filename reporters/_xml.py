"""The least of a DOM that unittest-xml-reporting writes a test case into."""

from __future__ import annotations

__all__ = ["CData", "Children", "Document", "Element", "attributes", "is_special"]

_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
)


class CData:
    """CDATA sections: one, or more where the text holds what would end it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def xml(self) -> str:
        """Return it as XML."""
        return f"<![CDATA[{self._text.replace(']]>', ']]]]><![CDATA[>')}]]>"


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

    createElement = Element
    createCDATASection = CData


class Children(list[Element]):
    """What stands for the element around a case: it keeps what is put into it."""

    appendChild = list.append


def attributes(values: dict[str, str]) -> str:
    """Return attributes as XML, each with a blank before it."""
    if is_special("".join(values.values())):  # One look at all; nearly always there is none.
        values = {name: value.translate(_ESCAPES) for name, value in values.items()}
    return "".join([f' {name}="{value}"' for name, value in values.items()])


def is_special(text: str) -> bool:
    """Return whether a character has to be escaped; a search for each is quicker than a pattern."""
    return "&" in text or "<" in text or ">" in text or '"' in text or "\n" in text or "\t" in text
