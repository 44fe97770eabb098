"""Measures estimators on clips they haven't seen; see ``evaluation``.

python -m estimator evaluate --set mocap-test --mocap DIR --out DIR
python -m estimator evaluate --set ../shared/real-eval clips/ --out DIR
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..atomic_write import told_of
from ..display import Display
from ..errors import InputError
from ..estimate import WEIGHTS
from .capture import load_captures
from .capture_clip import CaptureClip
from .evaluation import models
from .evaluation.cases import NO_WALK, condition_cases, long_enough_walks
from .evaluation.plots import can_plot, save_plots
from .evaluation.protocol import CONDITIONS
from .evaluation.real import BESIDE, reference_cases, reference_folders, track_cases
from .evaluation.report import condition_section, save
from .evaluation.run import Evaluation, digest
from .evaluation.stored import FOLDER, Store
from .run_data import summary

SPLITS = {"mocap-test": "test", "mocap-validation": "validation"}
"""Sets of motion capture, and the split that each is."""
REAL = "real"
_REPOSITORY = Path(__file__).resolve().parents[2]


def real_clips() -> Path:
    """Where the clips of the set ``REAL`` lie, whether they are there or not."""
    return (_REPOSITORY / BESIDE).resolve()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m estimator evaluate``."""
    parser.add_argument(
        "--set",
        nargs="+",
        default=["mocap-test"],
        metavar="SET",
        dest="sets",
        help=f"any of {', '.join(SPLITS)}, {REAL} (the clips in {BESIDE}, which is no part of the "
        "repository), and files or folders of keypoints; a folder that holds keypoints/, camera.json and "
        "reference.npz is measured against these (default: mocap-test)",
    )
    parser.add_argument("--mocap", type=Path, help="folder of BVH motion capture, or its cache (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument(
        "--weights",
        nargs="+",
        default=[f"kinelift={WEIGHTS}"],
        metavar="[NAME=]FILE",
        help="of generators; those that ship if not given",
    )
    parser.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure the refined takes besides the networks' own (default: yes)",
    )
    parser.add_argument(
        "--alone",
        nargs="+",
        default=[],
        metavar="[NAME=]FILE",
        help="weights of generators that are measured as they answer only, never refined",
    )
    parser.add_argument("--positions", type=Path, metavar="FILE", help="compare with a position-only network")
    parser.add_argument(
        "--yardstick", type=Path, metavar="FILE", help="compare with Pavllo et al.'s networks"
    )
    parser.add_argument(
        "--conditions",
        nargs="+",
        choices=CONDITIONS,
        metavar="NAME",
        help=f"of the sets of motion capture (default: all there are clips for, of {' '.join(CONDITIONS)})",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep what an evaluation into the same --out has measured of the same weights on the same "
        f"clips (OUT/{FOLDER}); changes of Kinelift's code within a version go unnoticed",
    )


def named_file(text: str) -> tuple[str, Path]:
    """Name and path of ``NAME=FILE``; no name where that is a path as it is, which may have a "=" in it."""
    name, _, path = text.rpartition("=")
    return ("", Path(text)) if Path(text).exists() else (name, Path(path))


def run(args: argparse.Namespace) -> int:
    """``python -m estimator evaluate``."""
    display = Display(sys.stderr)
    clips, folders, tracks = _chosen_sets(args)
    splits = [SPLITS[name] for name in args.sets if name in SPLITS]
    chosen = [clip for clip in clips if clip.split in splits]
    evaluation = _evaluation(args, display, [clip for clip in clips if clip.split == "train"])
    conditions = _chosen_conditions(args.conditions, chosen, display)
    # Read before anything is measured, which takes minutes: what is wrong with them is told at once.
    real = {
        name: list(reference_cases(folders, known=known))
        for name, known in (("real", False), ("real-known", True))
    }
    real["tracks"] = list(track_cases(tracks))
    with told_of(args.out):
        args.out.mkdir(parents=True, exist_ok=True)

    def finish(condition: str) -> None:
        display.clear()
        print(condition_section(evaluation.report(), condition), flush=True)

    for name in conditions:
        evaluation.add(name, list(condition_cases(chosen, CONDITIONS[name])))
        finish(name)
    for name, cases in real.items():
        if cases:
            evaluation.add(name, cases)
            finish(name)

    report = evaluation.report()
    pictures: list[str] = []
    save(report, args.out, pictures)  # at once, whatever becomes of the pictures
    if can_plot():
        pictures = save_plots(report, evaluation.paths, args.out)
        save(report, args.out, pictures)
    else:
        print("note: no plots: install matplotlib to have them", file=sys.stderr)
    print(f"wrote {', '.join(['evaluation.md', 'evaluation.json', *pictures])} in {args.out}")
    return 0


def _chosen_conditions(given: list[str] | None, clips: list[CaptureClip], display: Display) -> list[str]:
    """Those asked for; without that, all that there are clips for."""
    if given and not clips:
        raise InputError(
            f"--conditions {' '.join(given)}: of motion capture, of which no set is given; add --set "
            f"{' or '.join(SPLITS)}, or leave them out"
        )
    names = list(given or CONDITIONS) if clips else []
    impossible = [name for name in names if CONDITIONS[name].long_walk and not long_enough_walks(clips)]
    if impossible and given:
        raise InputError(f"--conditions {impossible[0]}: {NO_WALK}; leave it out")
    for name in impossible:
        display.say(f"note: {name} is left out: {NO_WALK}")
    return [name for name in names if name not in impossible]


def _chosen_sets(args: argparse.Namespace) -> tuple[list[CaptureClip], list[Path], list[Path]]:
    """All captured clips that are given, folders with a reference, and paths of keypoints alone."""
    clips: list[CaptureClip] = []
    folders: list[Path] = []
    tracks: list[Path] = []
    if len({SPLITS[name] for name in args.sets if name in SPLITS}) > 1:
        raise InputError(f"--set {' '.join(args.sets)}: one split of the motion capture at a time")
    if args.mocap is not None:
        clips = load_captures(args.mocap)
    for name in args.sets:
        if name in SPLITS:
            if args.mocap is None:
                raise InputError(f"--set {name}: give the motion capture with --mocap DIR or its cache")
            if not any(clip.split == SPLITS[name] for clip in clips):
                raise InputError(
                    f"{args.mocap}: no clip of it is in the split {SPLITS[name]!r}; see its index.csv"
                )
            continue
        path = real_clips() if name == REAL else Path(name)
        if not path.exists():
            raise InputError(
                f"--set {name}: no such file or folder: {path}; give keypoints, or {REAL} or "
                f"{' or '.join(SPLITS)}"
            )
        references = reference_folders(path)
        folders += references
        tracks += [] if references else [path]
    return clips, folders, tracks


def _evaluation(args: argparse.Namespace, display: Display, train: list[CaptureClip]) -> Evaluation:
    """The models to measure."""
    about = "the truth itself, as a check on the measures"
    entrants = {"truth": models.Entrant(models.truth, about, timed=False)}
    if train:
        about = f"of the training people ({summary(train)}), facing the camera"
        entrants["mean pose"] = models.Entrant(models.mean_pose(train), about, timed=False)
    if args.positions:
        network = models.position_network(args.positions)
        entrants["positions"] = models.Entrant(network, f"position-only network, {digest(args.positions)}")
    if args.yardstick:
        network = models.yardstick(args.yardstick)
        entrants["yardstick"] = models.Entrant(network, f"Pavllo et al.'s networks, {digest(args.yardstick)}")
    both = (False, True) if args.refine else (False,)
    given = [(text, (False,)) for text in args.alone] + [(text, both) for text in args.weights]
    for text, ways in given:
        name, file = named_file(text)
        models.check_weights(file)
        name = name or file.stem
        for refined in ways:
            called = f"{name} refined" if refined else name
            if called in entrants:
                raise InputError(f"two models are called {called!r}; name them NAME=FILE")
            about = f"{'refined takes' if refined else 'takes as the network answers'}, {digest(file)}"
            entrants[called] = models.Entrant(models.product(file, refined=refined), about, whole=True)
    return Evaluation(entrants, Store(args.out, reuse=args.resume), display.update)
