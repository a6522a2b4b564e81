"""Whether a target serves the release that the gate is for."""

from __future__ import annotations

from django_probe.events import TargetFailed
from django_probe.results import ErrorDetail
from django_probe.run_config import RunConfig

__all__ = ["wrong_release"]


def wrong_release(config: RunConfig, target: str, release: str) -> TargetFailed | None:
    """Return that a target has failed, if it serves another release than ``--expect-release``.

    Args:
        release: what the target says that it serves, "" where it does not say.
    """
    expected = config.expect_release
    if expected is None or release == expected:
        return None
    serves = f"serves release {release!r}" if release else "does not say which release it serves"
    hint = "" if release else " (PROBE_RELEASE is not set there)"
    message = f"it {serves}, expected {expected!r}{hint}: deploy that, or wait for it with --wait"
    error = ErrorDetail(exception_class_path="WrongRelease", message=message)
    return TargetFailed(target=target, error=error)
