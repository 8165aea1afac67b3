"""What docs/upgrades.md says of a release."""

import tomllib

import cutroom
from tests.upgrade.fleet import RELEASED, ROOT


def test_the_package_and_the_code_are_of_one_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == cutroom.__version__


def test_the_wheel_and_the_histories_of_the_version_before_are_kept() -> None:
    (wheel,) = RELEASED.glob("*.whl")
    version = wheel.name.split("-")[1]
    assert version != cutroom.__version__
    assert [*(ROOT / "tests/replay/histories" / version).glob("*.json")]
