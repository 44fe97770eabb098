"""Motions of known measures before known and unknown cameras: what comes out, and what was to come out.

    python -m benchmarks.scripted [NAME …] [--people N] [--around 0 90 180 270]

Somebody squats 40 cm, sits down, turns once around, jumps 40 cm, steps onto a box of 45 cm, walks 6 m
towards the camera, and stands on a beam (ground off), seen by a noisy detector; the actor's height is always
given. Each is measured once per person and camera: people are other errors of the detector. Answers within
10 % are what is asked for. How high a beam is over a ground that nobody ever touches shows to known cameras
only. With --around cameras stand on other sides, too: who is taken for leaning back leans away from a camera
before them and towards one behind them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np

from estimator.camera import Camera
from estimator.estimate import EstimateOptions, estimate_motion
from estimator.motion import Motion
from tests.estimator.scripted import MEASURES, SCRIPTS, STATURE, camera_before, measured, seen

TOLERANCE = 0.1


@dataclass(frozen=True)
class Condition:
    """What is told of the camera.

    Attributes:
        known: its place; else only its lens.
        moving: it moves, on a known way.
        focal: the focal length that is told, over the true one.
        height: whether its height over the ground is told, where its place isn't.
    """

    known: bool = False
    moving: bool = False
    focal: float = 1.0
    height: bool = False


CONDITIONS = {
    "known camera": Condition(known=True),
    "known moving": Condition(known=True, moving=True),
    "unknown": Condition(),
    "camera height": Condition(height=True),
    "focal +20 %": Condition(focal=1.2),
    "focal -20 %": Condition(focal=0.8),
}


def estimated(name: str, condition: Condition, person: int, around: float = 0.0) -> tuple[Motion, Camera]:
    """The take of a script, and the true camera."""
    script = SCRIPTS[name]()
    true = camera_before(script, moving=condition.moving, around=around)
    track = seen(script, true, noisy=True, person_id=person)
    camera = true
    if not condition.known:
        camera = replace(
            true, world_from_camera=None, fx=condition.focal * true.fx, fy=condition.focal * true.fy
        )
    assert true.world_from_camera is not None
    camera_height = float(true.world_from_camera[..., 2, 3].mean()) if condition.height else None
    options = EstimateOptions(
        person_height=STATURE, on_ground=name != "stand_on_beam", camera_height=camera_height
    )
    return estimate_motion(track, camera, options), true


def tilt(motion: Motion, true: Camera) -> float:
    """Degrees that the take's vertical is off the true one on the first frame, ahead: below 0 the take's
    camera looks down too little."""
    assert true.world_from_camera is not None
    cameras = (motion.world_from_camera, true.world_from_camera)
    up = [np.asarray(pose).reshape(-1, 4, 4)[0, 2, :3] for pose in cameras]
    pitch = [np.degrees(np.arctan2(-one[2], -one[1])) for one in up]
    return float(pitch[0] - pitch[1])


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", choices=[[], *SCRIPTS], metavar="NAME", help=", ".join(SCRIPTS))
    parser.add_argument("--people", type=int, default=1, help="detectors' errors to try (default: 1)")
    parser.add_argument(
        "--around",
        type=float,
        nargs="+",
        default=[0.0],
        metavar="DEGREES",
        help="where cameras stand, from obliquely before the person to their left (default: 0)",
    )
    args = parser.parse_args()
    started, met, tried = time.monotonic(), 0, 0
    print("| motion | camera | wanted | measured | ratio | tilt, ° | |\n|---|---|---:|---:|---:|---:|---|")
    for name in args.names or SCRIPTS:
        wanted, unit = MEASURES[name]
        for condition, told in CONDITIONS.items():
            if name == "stand_on_beam" and not told.known:
                continue
            people = range(1, args.people + 1)
            takes = [estimated(name, told, person, around) for person in people for around in args.around]
            ratios = [measured(name, motion.joints_world, motion.end_points) for motion, _ in takes]
            tilts = [tilt(*take) for take in takes]
            within = [abs(ratio - 1.0) <= TOLERANCE for ratio in ratios]
            met, tried = met + sum(within), tried + len(within)
            found = " ".join(f"{ratio * wanted:.2f}" for ratio in ratios)
            share = " ".join(f"{ratio:.2f}" for ratio in ratios)
            off = " ".join(f"{angle:+.1f}" for angle in tilts)
            verdict = "" if all(within) else "**missed**"
            cells = (name, condition, f"{wanted:.2f} {unit}", found, share, off, verdict)
            print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{met} of {tried} within {TOLERANCE:.0%}; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
