"""Linking people over frames, on synthetic people with a detector's noise."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from estimator.errors import MissingDependencyError
from estimator.keypoint_set import KEYPOINT_NAMES
from estimator.keypoints import read_keypoints
from estimator.keypoints.layouts import BODY25
from estimator.keypoints.linking import link_people

Array = NDArray[np.float64]

FPS = 30


class Scene:
    """People by frame, with who they truly are."""

    def __init__(self, people: SimpleNamespace, noise: float = 3.0, seed: int = 0) -> None:
        self.people = people
        self.noise = noise
        self.random = np.random.default_rng(seed)
        self.frame: list[int] = []
        self.who: list[int] = []
        self.points: list[Array] = []

    def add(self, who: int, frames: range, x: Callable[[int], float], height: float = 400.0) -> "Scene":
        for frame in frames:
            person = self.people.stick_figure(x(frame), height=height)
            swing = 0.08 * height * np.sin(frame * 0.4 + who)
            person[[9, 13, 15], 0] += swing
            person[[10, 14, 16], 0] -= swing
            person[:, :2] += self.random.normal(0, self.noise, (26, 2))
            self.frame.append(frame)
            self.who.append(who)
            self.points.append(person)
        return self

    def link(self, fps: float | None = FPS) -> Array:
        points = np.array(self.points)
        numbers = link_people(np.array(self.frame), points[..., :2], points[..., 2], fps)
        return numbers.astype(np.float64)

    def purity(self, numbers: Array) -> set[tuple[int, int]]:
        """Pairs of (true person, track)."""
        return set(zip(self.who, numbers.astype(int).tolist(), strict=True))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("speed", [1.5, 4.0, 12.0])
def test_people_who_cross_keep_their_tracks(people: SimpleNamespace, seed: int, speed: float) -> None:
    """One passes before the other."""
    frames = range(100)
    scene = Scene(people, seed=seed)
    scene.add(0, frames, lambda f: 1000 + speed * (f - 50), height=420)
    scene.add(1, frames, lambda f: 1000 - speed * (f - 50), height=380)
    assert len(scene.purity(scene.link())) == 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("speed", [4.0, 12.0])
def test_people_who_walk_through_each_other_come_out_right(
    people: SimpleNamespace, seed: int, speed: float
) -> None:
    """Of one size and at one place for a frame, which nothing can tell apart; all other frames can."""
    frames = range(100)
    scene = Scene(people, seed=seed)
    scene.add(0, frames, lambda f: 1000 + speed * (f - 50)).add(1, frames, lambda f: 1000 - speed * (f - 50))
    first, second = scene.link().reshape(2, 100)
    assert set(first[[*range(49), *range(52, 100)]]) == {first[0]}
    assert set(second[[*range(49), *range(52, 100)]]) == {second[0]}
    assert first[0] != second[0]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("speed", [0.6, 1.0, 2.0])
def test_people_who_slowly_walk_through_each_other_come_out_right(
    people: SimpleNamespace, seed: int, speed: float
) -> None:
    """Of one size, for seconds at one place, in noise of 2 % of their height: how they go on tells."""
    half = int(260 / speed)
    scene = Scene(people, noise=8.0, seed=seed)
    for who, way in enumerate((speed, -speed)):
        scene.add(who, range(2 * half), lambda f, way=way: 1000 + way * (f - half))
    first, second = scene.link().reshape(2, 2 * half)
    outside = [*range(half // 3), *range(2 * half - half // 3, 2 * half)]
    assert set(first[outside]) == {first[0]}
    assert set(second[outside]) == {second[0]}
    assert first[0] != second[0]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("gap", [80, 120])
def test_people_who_meet_and_turn_back_stay_who_they_are(
    people: SimpleNamespace, seed: int, gap: int
) -> None:
    """They come as near as shaking hands, but not to one place."""
    scene = Scene(people, noise=6.0, seed=seed)
    scene.add(0, range(200), lambda f: 1000 + gap / 2 + 2 * abs(f - 100))
    scene.add(1, range(200), lambda f: 1000 - gap / 2 - 2 * abs(f - 100))
    assert len(scene.purity(scene.link())) == 2


@pytest.mark.parametrize("seed", range(5))
def test_one_hidden_behind_the_other_while_they_cross(people: SimpleNamespace, seed: int) -> None:
    scene = Scene(people, seed=seed)
    scene.add(0, range(100), lambda f: 1000 + 6 * (f - 50), height=420)
    for frames in (range(42), range(59, 100)):
        scene.add(1, frames, lambda f: 1000 - 6 * (f - 50), height=380)
    assert len(scene.purity(scene.link())) == 2


def test_someone_overtaken_keeps_the_track(people: SimpleNamespace) -> None:
    frames = range(100)
    scene = Scene(people).add(0, frames, lambda f: 500 + 3 * f, height=380)
    scene.add(1, frames, lambda f: 300 + 7 * f, height=430)
    assert len(scene.purity(scene.link())) == 2


@pytest.mark.parametrize(
    ("fps", "missing", "tracks"),
    [(30.0, 27, 1), (30.0, 45, 2), (60.0, 54, 1), (60.0, 90, 2), (None, 27, 1), (None, 45, 2)],
)
@pytest.mark.parametrize("speed", [0.0, 6.0])
def test_a_gap_of_0_9_seconds_is_bridged_one_of_1_5_is_not(
    people: SimpleNamespace, fps: float | None, missing: int, tracks: int, speed: float
) -> None:
    scene = Scene(people)
    for frames in (range(60), range(60 + missing, 150 + missing)):
        scene.add(0, frames, lambda f: 300 + speed * f)
    assert len(set(scene.link(fps).tolist())) == tracks


def test_someone_else_at_another_place_is_no_continuation(people: SimpleNamespace) -> None:
    scene = Scene(people).add(0, range(30), lambda f: 300.0).add(1, range(32, 60), lambda f: 900.0)
    assert len(scene.purity(scene.link())) == 2
    assert len(set(scene.link().tolist())) == 2


def test_the_left_half_and_then_the_right_half_are_one_person(people: SimpleNamespace) -> None:
    """Two frames without a common keypoint."""
    scene = Scene(people).add(0, range(20), lambda f: 300.0 + f)
    left = [k for k, name in enumerate(KEYPOINT_NAMES) if name.startswith("left")]
    for frame, points in zip(scene.frame, scene.points, strict=True):
        hidden = np.isin(np.arange(26), left) == bool(frame % 2)
        points[hidden] = (np.nan, np.nan, 0)
    assert set(scene.link().tolist()) == {0.0}


def test_a_spurious_person_stays_apart(people: SimpleNamespace) -> None:
    scene = (
        Scene(people)
        .add(0, range(90), lambda f: 300.0 + 2 * f)
        .add(1, range(40, 43), lambda f: 700.0, height=90)
    )
    assert len(scene.purity(scene.link())) == 2


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_people_in_a_frame_changes_nothing(people: SimpleNamespace, seed: int) -> None:
    """Four people in a crowd who come and go, two of them exact doubles at times."""
    scene = Scene(people, noise=8.0, seed=seed)
    random = np.random.default_rng(seed)
    for who in range(4):
        start, speed = random.uniform(200, 900), random.uniform(-6, 6)
        frames = range(int(random.integers(0, 20)), int(random.integers(50, 90)))
        scene.add(who, frames, lambda f, start=start, speed=speed: start + speed * f)
    scene.add(4, range(10, 20), lambda f: 500.0)
    for row in range(len(scene.frame) - 10, len(scene.frame)):
        scene.points[row] = scene.points[0] + np.array([float(scene.frame[row]), 0, 0])
    reference = scene.link().astype(int)
    order = random.permutation(len(scene.frame))
    shuffled = Scene(people)
    shuffled.frame = [scene.frame[row] for row in order]
    shuffled.points = [scene.points[row] for row in order]
    numbers = shuffled.link().astype(int)
    assert len(set(zip(reference[order].tolist(), numbers.tolist(), strict=True))) == len(
        set(reference.tolist())
    )


def test_where_the_picture_lies_and_its_scale_change_nothing(people: SimpleNamespace) -> None:
    def scene(scale: float, shift: float) -> Array:
        one = Scene(people).add(0, range(60), lambda f: 600 + 5 * f).add(1, range(60), lambda f: 900 - 5 * f)
        one.points = [points * (scale, scale, 1) + (shift, -shift, 0) for points in one.points]
        return one.link()

    np.testing.assert_array_equal(scene(1, 0), scene(2.5, 0))
    np.testing.assert_array_equal(scene(1, 0), scene(1, 777.0))


def test_nobody_is_no_track() -> None:
    numbers = link_people(np.zeros(0, dtype=np.int64), np.zeros((0, 26, 2)), np.zeros((0, 26)), None)
    assert numbers.shape == (0,)


WITHOUT_SCIPY = """
import sys
sys.modules["scipy"] = None
from pathlib import Path
from estimator.keypoint_set import KEYPOINT_NAMES
from estimator.keypoints import read_keypoints
tracks = read_keypoints(Path(sys.argv[1]))
loaded = {name.split(".")[0] for name in sys.modules} & {"torch", "roma", "bpy"}
print(len(tracks), tracks[0].frames_seen, sorted(loaded))
"""


def test_one_person_needs_numpy_alone(tmp_path: Path, people: SimpleNamespace) -> None:
    """A second one in one frame does not ask for scipy either; there is nothing to weigh."""
    frames: dict[int, list[Any]] = {frame: [people.stick_figure(300 + frame)] for frame in range(20)}
    frames[7].append(people.stick_figure(900))
    people.write_openpose(tmp_path, frames, BODY25)
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_SCIPY, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert result.stdout.strip() == "2 20 []"


def test_several_people_without_scipy_say_what_is_missing(
    tmp_path: Path, people: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = {frame: [people.stick_figure(300), people.stick_figure(900)] for frame in range(5)}
    people.write_openpose(tmp_path, frames, BODY25)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    message = people.message_of(lambda: read_keypoints(tmp_path), MissingDependencyError)
    assert "scipy" in message
