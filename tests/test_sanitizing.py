"""What may be shown: nothing that a reader takes for something else, and nothing that is lost."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_probe.sanitizing import clean, is_clean, one_line

# The Char production of XML 1.0, less the C1 controls.
ILLEGAL = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

HOSTILE = [
    *(
        "\x1b",
        "\x1b[",
        "\x1b[31m",
        "\x1b]",
        "\x1b]8;;http://x\x07",
        "\x1b\\",
        "\x1bP",
        "\x9b",
        "\x9d",
    ),
    *("\x07", "\x00", "\r", "\r\n", "\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"),
    *(
        "\ud800",
        "\udfff",
        "\ufffe",
        "\uffff",
        "\ufeff",
        "\u202e",
        "\u2066",
        "\xa0",
        "\u3000",
        " ",
        "\t",
    ),
    *(
        "::",
        "::error::",
        "##[",
        "##vso[",
        "##teamcity[",
        "#",
        "[",
        ":",
        "section_start:1:a",
        "section_end:",
    ),
    *("error", "é", "\U0001f600", "0", ";", "m", "\\"),
]

texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from(HOSTILE)).map("".join),
    st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=3))).map("".join),
)


def check(text):
    cleaned = clean(text)
    assert not ILLEGAL.search(cleaned)
    cleaned.encode("utf-8")
    for line in re.split(r"[\n\u2028\u2029\x85\r\x0b\x0c]", cleaned):
        assert not line.lstrip().startswith(("::", "section_start:", "section_end:"))
    assert "##[" not in cleaned
    assert "##vso[" not in cleaned
    assert "##teamcity[" not in cleaned
    assert clean(cleaned) == cleaned
    if is_clean(text):
        assert cleaned == text


@settings(max_examples=400, deadline=None, database=None)
@given(texts)
def test_cleaned_text_is_legal_encodable_harmless_and_stays_as_it_is(text):
    check(text)


@settings(max_examples=200, deadline=None, database=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=":#_"), min_size=1))
def test_text_that_hurts_nobody_is_left_alone(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain text, 100 %", "plain text, 100 %"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("\x1b[1;31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07", "red and link"),
        ("\x1b]0;title without an end\nthe next line", "\nthe next line"),
        ("nul \x00, bell \x07, delete \x7f, c1 \x9c", "nul , bell , delete , c1 "),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("\u202egnp.exe", "gnp.exe"),
        ("::error::x", "\\::error::x"),
        ("  \t::error::x", "  \t\\::error::x"),
        ("\xa0\u3000::error::x", "\xa0\u3000\\::error::x"),
        ("\x1b[0m\x00::error::x", "\\::error::x"),
        ("a std::vector<int> :: b", "a std::vector<int> :: b"),
        ("first\n::set-output", "first\n\\::set-output"),
        ("say ##[error]x", "say #\\#[error]x"),
        ("###[", "##\\#["),
        ("##vso[task.x] ##teamcity[y]", "#\\#vso[task.x] #\\#teamcity[y]"),
        ("section_start:1:a\r\x1b[0K", "\\section_start:1:a\n"),
        ("# a heading, ## and another", "# a heading, ## and another"),
        ("mojibake Å\x9e and more", "mojibake Å and more"),
    ],
)
def test_what_becomes_of_it(text, cleaned):
    assert clean(text) == cleaned
    check(text)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "\x1b",
            "\x1b[",
            "\x1b[0",
            "\x1b ",
            "\x1b]",
            "\x1b]a",
            "\x9b",
            "\x9b0",
            " ",
            "\t",
            "\xa0",
        ),
        *(
            "##",
            "##[",
            "#",
            "section_",
            "section_start:",
            ":",
            "::",
            " ::\n",
            "\r",
            "\ud800",
            "\n ",
        ),
    ],
    ids=ascii,
)
def test_hostile_text_of_any_length_is_cleaned_in_linear_time(piece):
    def seconds(count):
        text = "é" + piece * count + "é"
        began = time.process_time()
        clean(text)
        return time.process_time() - began

    small = min(seconds(20_000 // len(piece)) for _ in range(3))
    large = min(seconds(400_000 // len(piece)) for _ in range(2))
    # Twenty times the text: quadratic would be four hundred times the time.
    assert large < 100 * max(small, 0.0005)


def test_one_line_folds_what_is_left_of_lines():
    assert one_line(clean("  a\r\n\tb\u2028 c  ")) == "a b c"
