"""Lens distortion: known answers, round trips, and lenses that no picture can have."""

import math

import numpy as np
import pytest

from estimator.distortion import MODEL_NAMES, Distortion
from estimator.errors import InputError

LENSES = [
    Distortion("opencv", (-0.28, 0.09, 0.001, -0.002)),
    Distortion("opencv", (-0.28, 0.09, 0.001, -0.002, -0.012)),
    Distortion("opencv", (1.3, -0.2, 0.001, -0.002, 0.03, 1.6, -0.1, 0.02)),
    Distortion("polynomial", (-0.2, 0.05, -0.01)),
    Distortion("polynomial", (0.2, 0.05, 0.01)),
    Distortion("division", (-0.2, 0.03)),
    Distortion("division", (0.15, 0.02)),
    Distortion("brown", (-0.2, 0.03, -0.01, 0.002, 0.01, -0.007)),
    Distortion("nuke", (-0.1, 0.02)),
    Distortion("nuke", (0.08, 0.01)),
]


@pytest.fixture
def picture() -> np.ndarray:
    """A grid over a picture with a field of view of some 62° by 37°."""
    x, y = np.meshgrid(np.linspace(-0.6, 0.6, 25), np.linspace(-0.34, 0.34, 15))
    return np.stack([x, y], axis=-1)


@pytest.mark.parametrize("lens", LENSES, ids=str)
def test_undistort_inverts_distort_over_the_picture(lens: Distortion, picture: np.ndarray) -> None:
    assert np.abs(lens.distort(picture) - picture).max() > 1e-3, "this lens would test nothing"
    np.testing.assert_allclose(lens.distort(lens.undistort(picture)), picture, atol=2e-10)
    np.testing.assert_allclose(lens.undistort(lens.distort(picture)), picture, atol=2e-10)


def test_every_model_is_tried_here() -> None:
    assert {lens.model for lens in LENSES} == set(MODEL_NAMES)


@pytest.mark.parametrize(
    ("lens", "expected"),
    [
        # r² = 0.2 at (0.4, -0.2), by hand.
        (Distortion("polynomial", (0.5, 0.25, 0.125)), (0.4 * 1.111, -0.2 * 1.111)),
        (Distortion("division", (0.5, 0.25)), (0.4 / 1.11, -0.2 / 1.11)),
        # tangential x: 2·0.1·0.4·(-0.2) + 0.2·(0.2 + 2·0.16); y: 0.1·(0.2 + 2·0.04) + 2·0.2·0.4·(-0.2)
        (Distortion("opencv", (0.0, 0.0, 0.1, 0.2)), (0.4 - 0.016 + 0.104, -0.2 + 0.028 - 0.032)),
        (
            Distortion("opencv", (0.5, 0.25, 0.0, 0.0, 0.125, 0.1, 0.2, 0.5)),
            (0.4 * 1.111 / 1.032, -0.2 * 1.111 / 1.032),
        ),
        # y up, so the point is (0.4, 0.2) there: x: 0.1·(0.2 + 2·0.16) + 0.2·2·0.4·0.2;
        # y: 0.2·(0.2 + 2·0.04) + 0.1·2·0.4·0.2, downwards again with the sign turned.
        (Distortion("brown", (0.0, 0.0, 0.0, 0.0, 0.1, 0.2)), (0.4 + 0.052 + 0.032, -0.2 - 0.056 - 0.016)),
    ],
)
def test_known_answers(lens: Distortion, expected: tuple[float, float]) -> None:
    np.testing.assert_allclose(lens.distort(np.array([0.4, -0.2])), expected, rtol=1e-12)


def test_nuke_undistorts_by_its_formula_in_half_the_larger_side() -> None:
    width, height, focal = 640, 360, 500.0
    lens = Distortion.from_nuke(-0.1, 0.02, focal, width, height)
    pixel = np.array([-229.5, -125.5])  # from the principal point
    r2 = float((pixel / 320) @ (pixel / 320))
    np.testing.assert_allclose(
        lens.undistort(pixel / focal) * focal, pixel / (1 - 0.1 * r2 + 0.02 * r2 * r2), rtol=1e-12
    )


def test_the_default_distorts_nothing() -> None:
    points = np.array([[0.3, -5.0], [1e3, 0.0]])
    np.testing.assert_array_equal(Distortion().distort(points), points)
    np.testing.assert_array_equal(Distortion().undistort(points), points)


@pytest.mark.parametrize("lens", LENSES, ids=str)
def test_missing_points_stay_missing(lens: Distortion) -> None:
    points = np.array([[0.1, 0.2], [np.nan, np.nan], [0.0, 0.0]])
    for mapped in (lens.distort(points), lens.undistort(points)):
        assert np.isnan(mapped[1]).all()
        assert np.isfinite(mapped[[0, 2]]).all()
    assert lens.undistort(np.empty((0, 26, 2))).shape == (0, 26, 2)


def test_many_points_give_what_single_points_give() -> None:
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (20_000, 2))
    lens = LENSES[0]
    some = [0, 8_191, 8_192, 19_999]
    np.testing.assert_allclose(
        lens.undistort(points)[some], [lens.undistort(points[i]) for i in some], atol=1e-10
    )


def test_where_a_lens_folds_the_picture_it_has_no_inverse() -> None:
    lens = Distortion("polynomial", (-0.3, 0.0, 0.0))
    fold = 1 / math.sqrt(0.9)  # where d/dr r(1 - 0.3 r²) = 0
    edge = fold * (1 - 0.3 * fold**2)
    inside, beyond = lens.undistort(np.array([[edge * 0.999, 0.0], [0.0, edge * 1.002]]))
    assert edge < inside[0] < fold
    assert np.isnan(beyond).all()


@pytest.mark.parametrize(
    ("model", "coefficients", "message"),
    [
        ("fisheye", (0.1,), "'fisheye' is not known; choose one of opencv"),
        ("opencv", (0.1, 0.2, 0.3), "takes 4 or 5 or 8 coefficients .k1 k2 p1 p2"),
        ("polynomial", (0.1, math.nan, 0.3), "finite"),
    ],
)
def test_unusable_lenses_are_refused(model: str, coefficients: tuple[float, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Distortion(model, coefficients)
