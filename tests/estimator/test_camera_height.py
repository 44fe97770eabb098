"""A known height of the camera tells which way is down, however wrong that was before."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from estimator.camera_height import ground_at_camera_height
from estimator.errors import InputError
from tests.estimator.stepping import T, camera_at, degrees_between, seen_by, stepping

Array = NDArray[np.float64]


def scene(pitch: float = -12.0, height: float = 1.6) -> tuple[Array, Array, Array]:
    """Up, feet and still in the axes of a camera that sees somebody walk by."""
    _, points, still = stepping((1.0, 0.4), 0.6)
    camera = camera_at((3.0, -6.0, height), pitch=pitch, yaw=8.0, roll=0.0)
    return camera[:3, :3].T @ [0.0, 0.0, 1.0], seen_by(camera, points), still


@pytest.mark.parametrize("wrong", [-25.0, -8.0, 0.0, 8.0, 25.0])
def test_gravity_is_put_right(wrong: float) -> None:
    up, feet, still = scene()
    guessed = Rotation.from_euler("x", wrong, degrees=True).apply(up)
    ground = ground_at_camera_height(1.6, guessed, feet, still, np.ones(T))
    assert degrees_between(ground.up, up) < 0.5
    assert -ground.level == pytest.approx(1.6, abs=1e-3)


def test_a_height_that_cannot_be_is_refused_in_one_line() -> None:
    up, feet, still = scene()
    with pytest.raises(InputError, match=r"^a camera 40 m above the ground does not fit[^\n]*leave it out$"):
        ground_at_camera_height(40.0, up, feet, still, np.ones(T))
