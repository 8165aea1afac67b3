"""Every step that a workflow can run."""

import pkgutil
from importlib import import_module
from typing import Any

from cutroom import contracts
from cutroom.contracts.steps import Step

MODULES = [import_module(f"{contracts.__name__}.{found.name}") for found in pkgutil.iter_modules(contracts.__path__)]
STEPS: list[Step[Any, Any]] = [value for module in MODULES for value in vars(module).values() if isinstance(value, Step)]
