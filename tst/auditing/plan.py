"""Which runs an audit is made of: their settings, and why one is left out."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

from tst.auditing.settings import AuditConfig
from tst.config.problems import reads_features
from tst.config.schema import RunConfig
from tst.core.questions import GROUP_PREFIX, QuestionTable
from tst.records.environment import gpu_names

RANDOM, GROUPED = "random", "grouped"


@dataclass(frozen=True)
class AuditPlan:
    """The runs of an audit.

    schemes: settings of the run on random folds and, where the questions have groups, on grouped
        ones; without nulls
    deciding: the scheme whose record gives the verdict: grouped where there is one. In random folds
        questions on the same scene also tell each other's answers, which no mending of a text cures
    why_alone: why there are no grouped folds; empty where there are
    siblings: settings of the run that also reads the text of the group's other questions, on the
        deciding folds: what the test set gives away as a set, never part of the verdict; None
        without grouped folds, or where the diagnostic reads no features
    llm: settings of the run of the language model, on the deciding folds; None for none
    """

    schemes: dict[str, RunConfig]
    deciding: str
    why_alone: str
    siblings: RunConfig | None
    llm: RunConfig | None

    @property
    def nulls_on(self) -> RunConfig:
        """The run that null draws are of."""
        return self.schemes[self.deciding]


def plan_audit(config: AuditConfig, table: QuestionTable) -> AuditPlan:
    """The runs that an audit of these questions takes. Raises UserError for an unknown group."""
    plain = config.as_run()
    plain.null.repeats = 0
    group, why_alone = choose_group(config, table)
    schemes = {}
    for scheme, group_by in {RANDOM: None, GROUPED: group}.items():
        if scheme == RANDOM or group is not None:
            schemes[scheme] = deepcopy(plain)
            schemes[scheme].fold.group_by = group_by
    deciding = GROUPED if GROUPED in schemes else RANDOM
    siblings = None
    if deciding == GROUPED and reads_features(config):
        siblings = deepcopy(schemes[GROUPED])
        siblings.features.context = "siblings"
    llm = None
    if wants_llm(config):
        llm = deepcopy(schemes[deciding])
        llm.diagnostic = deepcopy(config.llm)
    return AuditPlan(schemes, deciding, why_alone, siblings, llm)


def choose_group(config: AuditConfig, table: QuestionTable) -> tuple[str | None, str]:
    """The group that folds keep whole: the one asked for, else the first; or why there is none."""
    asked = config.fold.group_by not in (None, "first")
    if not table.groups and not asked:
        return None, "the questions declare no groups (a scene, a video, an image)"
    name = str(config.fold.group_by) if asked else table.groups[0]
    if f"{GROUP_PREFIX}{name}" not in table.frame:
        return name, ""  # the fold plan says which groups there are
    count = table.frame[f"{GROUP_PREFIX}{name}"].nunique()
    if count < config.fold.k:
        return None, f"there are {count} groups ({name}), fewer than the {config.fold.k} folds"
    if count == len(table.frame):
        return None, f"no two questions share a group ({name})"
    return name, ""


def wants_llm(config: AuditConfig) -> bool:
    """Whether the language model runs: asked for, or by itself where there is a GPU."""
    if config.diagnostic.name == config.llm.name:
        return False
    return bool(gpu_names()) if config.audit.llm == "auto" else bool(config.audit.llm)
