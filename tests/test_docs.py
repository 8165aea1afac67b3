"""What the documents say is there: settings, and the files that links lead to."""

import re
from pathlib import Path

import pytest

from cutroom.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def test_every_setting_is_documented_and_no_other() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    documented = set(re.findall(r"^\| `CUTROOM_(\w+)`", text, re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert target.startswith(("http://", "https://")) or (page.parent / target).exists(), target
