import numpy as np
import pytest

from tst.scoring.calibration import calibration_floor, expected_calibration_error


def test_the_error_by_hand():
    # bins of 0.2: [.6, .8) holds two (mean .65, one is right), [.8, 1] two (mean .95, both right)
    error = expected_calibration_error(
        np.array([0.6, 0.7, 0.9, 1.0]), np.array([0, 1, 1, 1]), bins=5
    )
    assert error == pytest.approx(100 * (0.5 * abs(0.5 - 0.65) + 0.5 * abs(1.0 - 0.95)))


def test_a_calibrated_model_has_the_floor():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 0.9, 847)
    right = (rng.random(847) < confidence).astype(float)
    each = np.arange(847)
    floor = calibration_floor(confidence, 15, each)
    assert 1.5 < floor < 6.0
    assert expected_calibration_error(confidence, right, 15) == pytest.approx(floor, abs=2.0)
    many = np.tile(confidence, 25)
    assert calibration_floor(many, 15, np.arange(len(many))) < floor / 3  # falls with n
    assert calibration_floor(many, 15, np.tile(each, 25)) == pytest.approx(floor)  # repeats do not
    assert expected_calibration_error(confidence, np.ones(847), 15) > 3 * floor


def test_the_floor_is_the_same_each_time():
    confidence = np.linspace(0.3, 0.9, 50)
    draws = np.random.default_rng(0).random((200, 50)) < confidence
    expected = np.mean([expected_calibration_error(confidence, d, 15) for d in draws])
    assert calibration_floor(confidence, 15, np.arange(50)) == pytest.approx(expected)


def test_sure_and_right_is_no_error():
    assert expected_calibration_error(np.ones(5), np.ones(5), 15) == 0.0
    assert calibration_floor(np.ones(5), 15, np.arange(5)) == 0.0
