import pytest

from tst.core.errors import UserError
from tst.diagnostics.forest.text.cv_bench import CvBenchFeatures
from tst.diagnostics.forest.text.entities import load_featuriser
from tst.diagnostics.forest.text.vsi_bench import VsiBenchFeatures, angle_claims, orientation


def test_orientation_turns_with_the_corners():
    [(key, sign)] = orientation("lamp", "desk", "sofa", 1)
    assert orientation("desk", "lamp", "sofa", 1) == [(key, -sign)]
    assert orientation("desk", "sofa", "lamp", 1) == [(key, sign)]
    assert orientation("lamp", "lamp", "sofa", 1) == []


def test_one_wide_angle_at_most():
    right, wide = angle_claims("a", "b", "c", "back-left")
    assert right[0][1] == -1
    assert [sign for _, sign in right[1:]] == [1, 1]
    assert all(sign == 1 for _, sign in wide)


def test_directions_and_routes_share_triangles():
    features = VsiBenchFeatures()
    asked = features.describe(
        "d", "If I am standing by the vase and facing the rug, is the bench to the left or the "
        "right of the rug?", ["left", "right"],
    )  # fmt: skip
    route = features.describe(
        "r", "You are a robot beginning at the vase and facing the rug. You want to navigate to "
        "the bench. You will perform the following actions: 1. [please fill in] 2. Go forward "
        "until the bench. You have reached the final destination.", ["Turn Left", "Turn Right"],
    )  # fmt: skip
    assert asked.claims["directions.side"] == route.claims["directions.side"]
    assert features.describe("n", "How many rugs?", None) is None


def test_relations_are_antisymmetric():
    question = (
        "Considering the relative positions of the kite (annotated by the red box) and the boat "
        "in the image provided, where is the kite located with respect to the boat?"
    )
    facts = CvBenchFeatures().describe("relation", question, ["above", "below"])
    above, below = facts.claims["relation.thing"]
    assert above == [(key, -sign) for key, sign in below]


def test_a_users_own_featuriser_by_dotted_path():
    path = "tst.diagnostics.forest.text.vsi_bench.VsiBenchFeatures"
    assert isinstance(load_featuriser(path), VsiBenchFeatures)
    with pytest.raises(UserError, match=r"benchmark\.features=.*cannot be imported"):
        load_featuriser("nowhere.Nothing")
