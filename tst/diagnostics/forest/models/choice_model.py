"""Multiple choice: which option of a question is right, by a stack of complementary members."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.option_features import OptionText
from tst.diagnostics.forest.features.target_encoding import inner_folds
from tst.diagnostics.forest.models.contributions import SHORTCUTS
from tst.diagnostics.forest.models.members import EncodingsLogit, Member, member_columns
from tst.diagnostics.forest.models.option_inputs import OptionEncoder, OptionInputs
from tst.diagnostics.forest.models.stack import Stack, default_stack, fit_stack
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, take

FLOOR = 1e-3
ENOUGH = 550
"""Questions on which the weights of the members are fitted, where rounds allow."""
ROUNDS = range(3, 6)


class ChoiceModel:
    """A committee: each round fits all members without one inner fold's answers.

    The rounds' predictions of the fold that they left out give the members' weights; held-out
    questions get the mean of all rounds. So no answer is predicted by a model that saw it, and no
    model is fitted for the weights alone.
    """

    def __init__(self, settings: ForestSettings, n_jobs: int = 1) -> None:
        self.settings = settings
        self.n_jobs = n_jobs

    def fit(
        self,
        questions: QuestionArrays,
        gold: np.ndarray,
        seed: int,
        fold: np.ndarray | None = None,
    ) -> ChoiceModel:
        """gold: index of the right option of each question, (n,).

        fold: inner fold of each, (n,), where one is given
        """
        s = self.settings
        correct = np.zeros(len(questions.option))
        correct[questions.start[:-1] + gold] = 1.0
        if fold is None:
            fold = inner_folds(questions.units, s.inner_folds, seed)
        self._encoder = OptionEncoder(s.prior, s.inner_folds, s.max_rows)
        self._encoder.fit(questions, correct, fold, seed)
        self.features = self._encoder.features
        rounds: list[int | None] = [*choose_rounds(self._encoder.fold, s.inner_folds)] or [None]
        trees = -(-s.trees // len(rounds))
        columns = member_columns(
            s, self.features.names, self.features.n_surface, trees, self.n_jobs
        )
        self.columns = list(columns)
        self._committee: list[list[Member]] = []
        defaults = np.array([weight for weight, _ in columns.values()])
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for left_out in rounds:
            inputs = self._encoder.of_training(left_out)
            inside = self._encoder.fold != left_out
            train = inputs.take(inside)
            correct = self._encoder.correct[inside[inputs.questions.owner]]
            members = [
                make().fit(train, correct, seed + len(parts)) for _, make in columns.values()
            ]
            self._committee.append(members)
            if left_out is not None:
                test = inputs.take(~inside)
                logs = np.stack([_logs(m, test) for m in members], axis=1)
                parts.append((~inside, logs, self._prior([members], test)))
        self.stack = self._fit_stack(parts, defaults) if parts else default_stack(defaults)
        return self

    def read(self, questions: QuestionArrays) -> tuple[OptionText, OptionInputs]:
        """What is known of held-out questions."""
        return self._encoder.transform(questions)

    def judge(self, inputs: OptionInputs) -> np.ndarray:
        """Log-probability of every option by round and member of the committee, (rounds, m, k)."""
        rounds = [[_logs(m, inputs) for m in members] for members in self._committee]
        return np.stack([np.stack(logs, axis=1) for logs in rounds])

    def predict(self, inputs: OptionInputs, judged: np.ndarray) -> np.ndarray:
        """Probability of every option, (m,), summing to 1 over each question's.

        judged: from ``judge``
        """
        prior = self._prior(self._committee, inputs)
        return self.stack.predict(inputs.questions, judged.mean(axis=0), prior)

    def predict_permuted(
        self, inputs: OptionInputs, judged: np.ndarray, seed: int
    ) -> dict[str, np.ndarray]:
        """The same with the columns of one feature family permuted, by family.

        Permuted among the options of questions of one type with equally many options. How far the
        first round's models move stands for those of all rounds.
        """
        rows = permuted_rows(inputs.questions, np.random.default_rng(seed))
        logs, prior = judged.mean(axis=0), self._prior(self._committee, inputs)
        first, own = self._committee[0], judged[0]
        reads = [set().union(*(block.families for block in m.blocks(inputs))) for m in first]
        permuted = {}
        for family in sorted(set().union(*reads)):
            touched = [place for place, families in enumerate(reads) if family in families]
            changed = inputs.permuted(family, rows)
            moved = logs.copy()
            for place in touched:
                moved[:, place] += _logs(first[place], changed) - own[:, place]
            permuted[family] = self.stack.predict(inputs.questions, moved, prior)
        return permuted

    def contributions(
        self, inputs: OptionInputs, rows: np.ndarray, others: np.ndarray
    ) -> np.ndarray:
        """What each shortcut adds to how far options are ahead of others, (r, shortcuts), in nats.

        In the models of the first round, which stand for those of all.
        rows, others: options of the same questions, (r,) each
        """
        weights = self.stack.weights(inputs.questions)[inputs.questions.owner[rows]]
        both = np.concatenate([rows, others])
        added = np.zeros((len(rows), len(SHORTCUTS)))
        for place, member in enumerate(self._committee[0]):
            if weights[:, place].any():
                mine, theirs = np.split(member.contributions(inputs, both), 2)
                added += (mine - theirs) * weights[:, [place]]
        return added

    def by_encoding(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        """What each encoding adds to the utility of some options in the stack's logits, (r, f)."""
        weights = self.stack.weights(inputs.questions)[inputs.questions.owner[rows]]
        added = np.zeros((len(rows), len(self.features.names)))
        for members in self._committee:
            for place, member in enumerate(members):
                if isinstance(member, EncodingsLogit):
                    added += member.by_column(inputs, rows) * weights[:, [place]]
        return added / len(self._committee)

    def _prior(self, committee: list[list[Member]], inputs: OptionInputs) -> np.ndarray:
        """The position prior of every option, (m,); uniform without that member."""
        if "prior" not in self.columns:
            return inputs.questions.baseline
        place = self.columns.index("prior")
        shares = [np.exp(members[place].utilities(inputs)) for members in committee]
        return np.mean(shares, axis=0)

    def _fit_stack(
        self, parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], defaults: np.ndarray
    ) -> Stack:
        """Weights from the rounds' predictions of the questions that they left out."""
        kept = self._encoder.kept
        logs = np.zeros((len(kept.option), len(defaults)))
        prior, predicted = np.zeros(len(kept.option)), np.zeros(len(kept), dtype=bool)
        for outside, part, base in parts:
            rows = outside[kept.owner]
            logs[rows], prior[rows] = part, base
            predicted |= outside
        questions, rows = take(kept, np.flatnonzero(predicted))
        return fit_stack(questions, logs[rows], prior[rows], self._encoder.correct[rows], defaults)


def choose_rounds(fold: np.ndarray, n_folds: int) -> list[int]:
    """Inner folds to leave out in turn, as many as give ENOUGH questions, within ROUNDS.

    fold: of each question, (n,). No round where all questions are in one fold.
    """
    sizes = np.bincount(fold, minlength=n_folds)
    usable = np.flatnonzero((sizes > 0) & (sizes < len(fold)))
    wanted = np.searchsorted(np.cumsum(sizes[usable]), ENOUGH) + 1
    return usable[: np.clip(wanted, ROUNDS.start, ROUNDS.stop - 1)].tolist()


def permuted_rows(questions: QuestionArrays, rng: np.random.Generator) -> np.ndarray:
    """For each option, one drawn from questions of its type and size, each drawn once, (m,)."""
    stratum = combine(questions.types, questions.n_options)[questions.owner]
    rows = np.empty(len(stratum), dtype=np.int64)
    rows[np.argsort(stratum, kind="stable")] = np.lexsort((rng.random(len(stratum)), stratum))
    return rows


def _logs(member: Member, inputs: OptionInputs) -> np.ndarray:
    """Log-probability of every option by one member, (m,), floored."""
    return np.log(inputs.questions.softmax(member.utilities(inputs)) + FLOOR)
