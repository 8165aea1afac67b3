"""docs/errors.md and the code name the same errors, with the same status."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from api import problems
from cutroom import errors

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "cutroom", "activities", "workflows")
ROW = re.compile(r"^\| `(\w+)` \| ([\d, -]+) \| (.+) \| (.+) \|$", re.MULTILINE)
# Calls that take a code without naming the argument.
UNNAMED = {"refused": 422, "Expired": None, "StepError": None}
CODE = re.compile(r"[a-z]+(_[a-z]+)+")
# What a clip is closed with where its campaign is canceled: the campaign's status.
FROM_STATUS = {"canceled": {None}}


def raised() -> dict[str, set[int | None]]:
    """Code -> the statuses it is raised with; None where no HTTP answer carries it."""
    found: dict[str, set[int | None]] = {code: set(statuses) for code, statuses in FROM_STATUS.items()}
    for status, (code, _) in problems.HTTP_PROBLEMS.items():
        found.setdefault(code, set()).add(status)
    for code in (*problems.FIELD_CODES.values(), problems.OTHER_FIELD_CODE):
        found.setdefault(code, set()).add(422)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for code, carried in named_in(ast.parse(path.read_text())):
                found.setdefault(code, set()).add(carried)
    return found


def named_in(tree: ast.AST) -> Iterator[tuple[str, int | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from default_code(node)
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = [keyword.value for keyword in node.keywords if keyword.arg in ("code", "error_code")]
            texts = [value.value for value in given if isinstance(value, ast.Constant) and value.value]
            yield from ((str(text), status_of(name)) for text in texts)
            if name in UNNAMED:
                constants = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                yield from ((text, UNNAMED[name]) for text in constants if isinstance(text, str) and CODE.fullmatch(text))


def default_code(node: ast.ClassDef) -> Iterator[tuple[str, int | None]]:
    for line in node.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if isinstance(target, ast.Name) and target.id == "default_code" and isinstance(line, ast.Assign | ast.AnnAssign):
            assert isinstance(line.value, ast.Constant)
            yield str(line.value.value), status_of(node.name)


def status_of(name: str) -> int | None:
    found = getattr(errors, name, None)
    return found.status if isinstance(found, type) and issubclass(found, errors.CutroomError) else None


def documented() -> dict[str, set[int]]:
    text = (ROOT / "docs" / "errors.md").read_text()
    return {code: {int(number) for number in re.findall(r"\d+", statuses)} for code, statuses, _, _ in ROW.findall(text)}


def test_every_code_is_documented_with_its_status_and_no_other_is() -> None:
    in_code = {code: statuses - {None} for code, statuses in raised().items()}
    assert documented() == in_code
