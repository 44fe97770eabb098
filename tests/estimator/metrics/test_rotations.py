"""Known answers of rotation errors: swing and twist, steps, and joints that bend the wrong way."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from estimator.metrics import (
    hyperextended,
    rotation_errors,
    rotation_steps,
    rotational_acceleration,
)
from estimator.metrics.rotations import BONE_DIRECTIONS
from estimator.skeleton import JOINT_INDEX, J


def _quaternions(rotation):
    return rotation.as_quat(scalar_first=True).reshape(-1, J, 4)


def _random(frames=5, seed=1):
    return Rotation.random(frames * J, random_state=seed)


def _every_joint(degrees, axes, frames=5):
    vectors = np.radians(degrees) * np.broadcast_to(axes, (frames, J, 3))
    return Rotation.from_rotvec(vectors.reshape(-1, 3))


def _across():
    """Unit vectors at right angles to every bone."""
    across = np.cross(BONE_DIRECTIONS, [0.3, 0.5, 0.8])
    return across / np.linalg.norm(across, axis=-1, keepdims=True)


def test_the_truth_has_no_rotation_error_whatever_the_signs():
    truth = _quaternions(_random())
    errors = rotation_errors(-truth, truth)
    for value in (errors.angle, errors.swing, errors.twist):
        assert value.shape == (5, J) and value.max() < 1e-5


def test_a_turn_about_the_bone_is_twist_alone():
    truth = _random()
    errors = rotation_errors(_quaternions(truth * _every_joint(-25.0, BONE_DIRECTIONS)), _quaternions(truth))
    assert np.allclose(errors.twist, 25.0) and np.allclose(errors.angle, 25.0)
    assert errors.swing.max() < 1e-5


def test_a_turn_across_the_bone_is_swing_alone():
    truth = _random()
    errors = rotation_errors(_quaternions(truth * _every_joint(40.0, _across())), _quaternions(truth))
    assert np.allclose(errors.swing, 40.0) and np.allclose(errors.angle, 40.0)
    assert errors.twist.max() < 1e-5


def test_swing_after_twist_is_found_as_both():
    error = _every_joint(30.0, _across()) * _every_joint(50.0, BONE_DIRECTIONS)
    errors = rotation_errors(_quaternions(error), _quaternions(_every_joint(0.0, BONE_DIRECTIONS)))
    assert np.allclose(errors.swing, 30.0) and np.allclose(errors.twist, 50.0)


def test_a_parent_that_is_turned_doesnt_change_the_error():
    truth, answer, parent = _random(seed=1), _random(seed=2), _random(seed=3)
    plain = rotation_errors(_quaternions(answer), _quaternions(truth))
    turned = rotation_errors(_quaternions(parent * answer), _quaternions(parent * truth))
    assert np.allclose(plain.angle, turned.angle) and np.allclose(plain.twist, turned.twist)


def test_bones_point_where_they_lie_at_rest():
    assert np.allclose(BONE_DIRECTIONS[JOINT_INDEX["LeftArm"]], [1.0, 0.0, 0.0])
    assert np.allclose(BONE_DIRECTIONS[JOINT_INDEX["RightHand"]], [-1.0, 0.0, 0.0])
    assert np.allclose(BONE_DIRECTIONS[JOINT_INDEX["LeftLeg"]], [0.0, 0.0, -1.0])
    assert np.allclose(BONE_DIRECTIONS[JOINT_INDEX["Head"]], [0.0, 0.0, 1.0])


def _spinning(degrees_per_frame, frames=6):
    angles = np.asarray(degrees_per_frame) * np.arange(frames)
    return _quaternions(
        Rotation.from_rotvec(
            np.radians(angles)[:, None, None].repeat(J, 1).reshape(-1, 1) * [[0.0, 0.0, 1.0]]
        )
    )


def test_steps_and_acceleration_of_a_steady_turn():
    assert np.allclose(rotation_steps(_spinning(7.0)), 7.0)
    assert rotational_acceleration(_spinning(7.0)) < 1e-9
    assert np.isnan(rotational_acceleration(_spinning(7.0)[:2]))


def test_acceleration_of_a_turn_back_and_forth():
    there_and_back = _spinning(10.0)[[0, 1, 0, 1, 0]]
    assert rotational_acceleration(there_and_back) == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("joint", "vector"),
    [
        ("LeftLeg", [1.0, 0.0, 0.0]),
        ("RightLeg", [1.0, 0.0, 0.0]),
        ("LeftForeArm", [0.0, 0.0, -1.0]),
        ("RightForeArm", [0.0, 0.0, 1.0]),
    ],
)
@pytest.mark.parametrize("degrees", [-170.0, -20.0, -2.0, 0.0, 90.0, 150.0])
def test_only_hinges_bent_past_straight_are_hyperextended(joint, vector, degrees):
    # Knees bend backwards, elbows of the T-pose forwards (the person faces -Y).
    rotations = np.zeros((1, J, 4))
    rotations[..., 0] = 1.0
    turn = Rotation.from_rotvec(np.radians(degrees) * np.array(vector))
    rotations[0, JOINT_INDEX[joint]] = turn.as_quat(scalar_first=True)
    assert hyperextended(rotations).sum() == (degrees < -5.0)
    rotations[0, JOINT_INDEX[joint]] *= -1
    assert hyperextended(rotations).sum() == (degrees < -5.0)
