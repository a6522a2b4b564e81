"""What options take: text of a command line to a value, or what was expected instead."""

from __future__ import annotations

import argparse
import os

__all__ = ["RANDOM", "count", "delay", "positive", "release", "seconds", "seed", "workers"]

RANDOM = "random"
"""``--shuffle`` without a seed."""

MOST_WORKERS = 1000


def seconds(text: str) -> float:
    """Return a number of seconds greater than 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds greater than 0")
    return value


def delay(text: str) -> float:
    """Return a number of seconds from 0 on."""
    try:
        return 0.0 if text in ("0", "0.0") else seconds(text)
    except argparse.ArgumentTypeError:
        message = f"{text!r} is not a number of seconds from 0 on"
        raise argparse.ArgumentTypeError(message) from None


def count(text: str) -> int:
    """Return a whole number from 0 on."""
    try:
        return 0 if text == "0" else positive(text)
    except argparse.ArgumentTypeError:
        message = f"{text!r} is not a whole number from 0 on"
        raise argparse.ArgumentTypeError(message) from None


def release(text: str) -> str:
    """Return the name of a release."""
    if not text:
        raise argparse.ArgumentTypeError("--expect-release is empty, expected a release")
    return text


def positive(text: str) -> int:
    """Return a whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def workers(text: str) -> int:
    """Return how many probes run at once; ``auto`` is one for each processor."""
    if text == "auto":
        return os.cpu_count() or 1
    if positive(text) > MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {MOST_WORKERS} probes at once")
    return int(text)


def seed(text: str) -> int | str:
    """Return a seed, or ``RANDOM``."""
    if text == RANDOM:
        return RANDOM
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a seed, a whole number: write labels before --shuffle"
        )
    return int(text)
