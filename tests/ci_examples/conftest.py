"""Two deployments for all examples: one is whole, one is broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ci_examples.deployment import Deployment, deployed, empty_container


@pytest.fixture(scope="session")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Deployment]]:
    """Deploy the shop twice."""
    folder = tmp_path_factory.mktemp("deployed")
    with (
        deployed(folder / "green", broken=False) as green,
        deployed(folder / "red", broken=True, like=folder / "green") as red,
    ):
        yield {"green": green, "red": red}


@pytest.fixture(params=["green", "red"])
def shop(request: pytest.FixtureRequest, deployments: dict[str, Deployment]) -> Deployment:
    """Return a deployment: each example is run on both."""
    found = deployments[request.param]
    empty_container(found)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a job's checkout."""
    place = tmp_path / "checkout"
    place.mkdir()
    (place / "deploy.sh").symlink_to(Path(__file__).parent / "bin" / "deploy.sh")
    return place
