"""The diagnostics there are: tst's own, one line each, and a user's by its class's dotted path."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import Any

from tst.core.diagnostic import Diagnostic, DiagnosticSettings
from tst.core.errors import UserError
from tst.core.imports import import_object

KNOWN = {
    "rf": "tst.diagnostics.forest.declaration.Forest",
    "lora_llm": "tst.diagnostics.llm.declaration.LoraLLM",
}
"""Name to class, in the order of tables. The modules named here import nothing heavy."""

SETTING = "diagnostic.implementation"


def find_diagnostic(name: str, implementation: str = "") -> type[Diagnostic]:
    """The class of a diagnostic: what it declares is read from it before one is built.

    implementation: dotted path of a user's class; empty for one of tst's own
    Raises UserError with everything that is wrong with the name or the class.
    """
    if not implementation:
        if name not in KNOWN:
            raise UserError(
                f"diagnostic.name={name}: expected one of {', '.join(KNOWN)}, or a class of your "
                f"own as {SETTING}=my_module.MyClass (docs/your-diagnostic.md)."
            )
        found: type[Diagnostic] = import_object(KNOWN[name], SETTING, "a diagnostic")
        return found
    found = import_object(implementation, SETTING, "the dotted path of a diagnostic's class")
    if problems := [*_name_problems(name), *_class_problems(found)]:
        raise UserError("\n".join(f"{SETTING}={implementation}: {p}" for p in problems))
    return found


def _name_problems(name: str) -> list[str]:
    if name in KNOWN:
        return [f"diagnostic.name={name} is one of tst's own; choose another name."]
    if not re.fullmatch(r"\w+", name):
        return [f"diagnostic.name={name!r}: expected letters, digits and underscores."]
    return []


def _class_problems(found: Any) -> list[str]:
    """What a diagnostic's class must declare and does not."""
    if not (isinstance(found, type) and issubclass(found, Diagnostic)):
        return ["expected a class that derives from tst.core.diagnostic.Diagnostic."]
    problems = []
    if missing := sorted(found.__abstractmethods__):
        problems.append(f"the class lacks {', '.join(missing)}.")
    declared = {name: getattr(found, name, None) for name in ("label", "version", "settings_type")}
    label, version, settings_type = declared.values()
    if not isinstance(label, str) or not label:
        problems.append(f"label={label!r}: expected what tables shall call it, as in 'TsT-NN'.")
    if type(version) is not int or version < 1:
        problems.append(f"version={version!r}: expected a whole number of 1 or more.")
    if not (
        isinstance(settings_type, type)
        and is_dataclass(settings_type)
        and issubclass(settings_type, DiagnosticSettings)
    ):
        problems.append(
            f"settings_type={settings_type!r}: expected a dataclass that derives from "
            "tst.core.diagnostic.DiagnosticSettings."
        )
    return problems
