"""The table of results: what each part of the training brings, in one command.

python -m benchmarks.results --mocap CACHE.npz --tracks DIR --out runs/results --page docs/results.md

Trains every row, measures all of them beside the weights that ship, the mean pose and the truth, and writes
the page. The yardstick gets as long as the weights that ship, of the width that did better in --minutes; the
other rows show what their part brings in a short time. Everything goes on where it was stopped: trainings
from their checkpoints, the evaluation row by row. After changes of the code delete OUT/measured. With
--no-train, what has been trained so far is measured, finished or not; the page says how long each was
trained.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.ablation_table import ablation_table, read_figures
from benchmarks.results_page import write_page
from benchmarks.results_table import ROWS, YARDSTICK, table
from benchmarks.unpaired import unpaired_table
from estimator.__main__ import main as estimator_main
from estimator.errors import InputError
from estimator.estimate import WEIGHTS
from estimator.generator import read_note
from estimator.training.capture import load_captures
from estimator.training.capture_clip import CaptureClip
from estimator.training.evaluate import REAL, real_clips
from estimator.training.run_data import augmentation_summary
from estimator.training.settings import TrainSettings
from estimator.training.tracks import TrackClip, load_tracks
from estimator.training.train import train
from estimator.training.training_run import Run

WIDTHS = (512, 1024)
"""Channels of the yardstick, of which the better is taken."""
CONDITIONS = ("noisy", "clean", "other-noise", "coco17-sparse", "noisy-known", "long-walk")
FILE = "last.pt"
ABLATION = Path("docs/ablation")
UNPAIRED = ("unpaired", "unpaired-no-adversary", "unpaired-hinge", "unpaired-real", "supervised")
"""Rows of the table in Habekost's setting, besides what ships."""


def rows(share: float = 1.0) -> dict[str, TrainSettings]:
    """What is trained for a short time, by the name of its row.

    As many steps as one core of a server came to in 20 minutes, so that all take as long there, and come to
    the same everywhere.

    Args:
        share: of these steps.
    """

    def short(objectives: str, steps: int) -> TrainSettings:
        return TrainSettings(steps=math.ceil(share * steps), objectives=objectives)

    def unpaired(objectives: str, steps: int, *, projected: bool = True) -> TrainSettings:
        return replace(short(objectives, steps), unpaired=projected, channels=256, frames=96)

    return {
        "unpaired": unpaired("habekost", 11_873),
        "unpaired-no-adversary": unpaired("habekost,habekost.adversary=0", 11_477),
        "unpaired-hinge": unpaired("habekost-hinge", 11_873),
        "unpaired-real": unpaired("habekost", 12_156, projected=False),
        "supervised": short("supervision", 5_482),
        "back-projection": short("supervision,pavllo", 3_622),
        "adversary": short("supervision,habekost", 3_362),
    }


def main() -> int:
    """Trains, measures, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="folder of BVH files, or its cache")
    parser.add_argument("--tracks", type=Path, nargs="+", help="folders of keypoint files, to train with")
    parser.add_argument("--out", type=Path, required=True, help="folder of trainings and figures")
    parser.add_argument("--page", type=Path, help="Markdown file to write (default: results.md in --out)")
    parser.add_argument(
        "--ablation",
        type=Path,
        default=ABLATION,
        help=f"figures of benchmarks.ablation (default: {ABLATION})",
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the short rows' steps (default: 1)")
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="that choose the yardstick's width (default: 10)"
    )
    parser.add_argument(
        "--full-minutes", type=float, help="of the yardstick (default: as long as the weights that ship)"
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--rows", nargs="+", choices=[YARDSTICK, *rows()], help="train these and stop (default: all)"
    )
    either.add_argument("--no-train", action="store_true", help="measure what is there")
    parser.add_argument(
        "--conditions",
        nargs="+",
        default=CONDITIONS,
        choices=CONDITIONS,
        help=f"default: {' '.join(CONDITIONS)}",
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        if not 0 < args.share < math.inf:
            raise InputError(f"--share {args.share:g}: give a number above 0")
        clips = load_captures(args.mocap)
        if not args.no_train:
            _train_rows(args, clips)
        if args.rows:
            return 0
        status = _measure(args)
        if status == 0:
            page = args.page or args.out / "results.md"
            sections = [_unpaired(args.out, clips), _ablation(args.ablation, clips)]
            write_page(args.out, page, _trainings(args.out), sections)
            print(f"wrote {page}")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status


def _train_rows(args: argparse.Namespace, clips: list[CaptureClip]) -> None:
    if not args.tracks:
        raise InputError("give keypoint files to train with by --tracks DIR, or measure with --no-train")
    tracks, _ = load_tracks(args.tracks)
    names = args.rows or [YARDSTICK, *rows()]
    for name, settings in rows(args.share).items():
        real = settings.objectives != "supervision" and not settings.unpaired
        if name in names:
            _trained(settings, clips, args.out / name, tracks if real else None)
    if YARDSTICK in names:
        full_minutes = args.full_minutes or read_note(WEIGHTS)["seconds"] / 60
        _train_yardstick(args.minutes, full_minutes, clips, args.out)


def _train_yardstick(minutes: float, full_minutes: float, clips: list[CaptureClip], out: Path) -> None:
    """Both widths for a short time, and the better one, from the beginning, for the full time."""
    errors = {}
    for channels in WIDTHS:
        settings = TrainSettings(minutes=minutes, yardstick=True, channels=channels)
        errors[channels] = _trained(settings, clips, out / f"{YARDSTICK}-{channels}").best
    better = min(errors, key=lambda channels: errors[channels])
    print(f"{YARDSTICK}: {', '.join(f'{k} channels {v:.1f} mm' for k, v in errors.items())} in validation")
    # Windows that hold the 243 frames it looks at.
    full = TrainSettings(minutes=full_minutes, yardstick=True, channels=better, frames=320, batch=4)
    _trained(full, clips, out / YARDSTICK)


def _trained(
    settings: TrainSettings, clips: list[CaptureClip], out: Path, tracks: list[TrackClip] | None = None
) -> Run:
    """A run that is through, in its folder."""
    out.mkdir(parents=True, exist_ok=True)
    length = f"{settings.steps} steps" if settings.steps else f"{settings.minutes:g} minutes"
    print(f"{out.name}: {length}", flush=True)
    run = Run(settings, clips, out, tracks)
    run.resume()
    train(run)
    return run


def _measure(args: argparse.Namespace) -> int:
    """Evaluates all rows that are there; only the weights that ship are refined."""
    there = [name for name in rows() if (args.out / name / FILE).is_file()]
    command = ["evaluate", "--resume", "--mocap", str(args.mocap), "--out", str(args.out)]
    command += ["--set", "mocap-test", *([REAL] if real_clips().is_dir() else [])]
    command += ["--conditions", *args.conditions, "--weights", f"shipped={WEIGHTS}"]
    command += ["--alone", *(f"{name}={args.out / name / FILE}" for name in there)] if there else []
    yardstick = args.out / YARDSTICK / FILE
    command += ["--yardstick", str(yardstick)] if yardstick.is_file() else []
    return estimator_main(command)


def _trainings(out: Path) -> str:
    """How each row was trained, from what its weights say of themselves."""
    files = {name: out / name / FILE for name in ROWS} | {"shipped": WEIGHTS}
    files |= {f"{YARDSTICK}-{channels}": out / f"{YARDSTICK}-{channels}" / FILE for channels in WIDTHS}
    lines = []
    for name, file in files.items():
        if file.is_file():
            saved = torch.load(file, map_location="cpu", weights_only=True)
            note, weights = saved["note"], saved["weights"]
            lines.append(
                [
                    ROWS.get(name, name.replace("-", ", ") + " channels"),
                    note["objectives"],
                    str(saved["config"]["channels"]),
                    f"{sum(value.numel() for value in weights.values()) / 1e6:.1f}",
                    f"{note['seconds'] / 60:.0f}",
                    f"{note['steps']:,}",
                    f"{note['validation_p_mpjpe_mm']:.1f}",
                ]
            )
    head = ["trained", "objectives", "channels", "M parameters", "minutes", "steps", "validation, mm"]
    about = (
        "Minutes of one core. Validation: P-MPJPE at the best moment, of CMU 03 and 07, who only walk; the "
        "unpaired row sees them by known cameras. What is measured are the weights of the end. "
        "*+ back-projection* and *+ adversary* each add one objective on real tracks to the supervision."
    )
    return f"{table(head, lines)}\n\n{about}"


def _unpaired(out: Path, clips: list[CaptureClip]) -> str:
    weights = {name: out / name / FILE for name in UNPAIRED} | {"shipped": WEIGHTS}
    there = {ROWS[name]: file for name, file in weights.items() if file.is_file()}
    if ROWS["unpaired"] not in there:
        return ""
    about = (
        "Habekost's setting: keypoints of some people, capture of others, cameras whose lens and tilt are "
        "known, and whose height is where the floor is. Whose keypoints are seen is seen as in videos, every "
        "clip by four cameras; nothing is done to their motion, as nobody knows it. Test people, two cameras "
        "per clip that stand over the floor, the noisy detector; the network alone; one seed. The goal is "
        "20 % under the mean pose. Depth flips: pairs of left and right joints, one of them clearly nearer "
        "to the camera, that are the wrong way round."
    )
    return f"## Unpaired training\n\n{about}\n\n{unpaired_table(there, clips, 'test')}"


def _ablation(figures: Path, clips: list[CaptureClip]) -> str:
    reached = read_figures(figures)
    found = ablation_table(reached, clips)
    if not found:
        return ""
    settings = next(iter(reached.values())).settings
    steps = settings["steps"]
    older = (
        ""
        if settings["data: augmentation"] == augmentation_summary()
        else " Made by an earlier Kinelift that drew windows otherwise; to leave out more, begin anew."
    )
    about = (
        f"Supervision for {steps:,} steps, about 20 minutes of one core, with each augmentation left out, "
        "against all of them (`python -m benchmarks.ablation --figures docs/ablation`). P-MPJPE of people "
        "who were not trained on, the network alone, each clip against itself, with a bootstrap interval "
        "over takes. Under 2 mm, or with 0 inside the interval, it is called none. The last column is of "
        "conditions that these clips are not seen in otherwise: cameras that move (*moving*), focal "
        "lengths that are only guessed (*focal*), points outside the picture missing (*edges*), gravity "
        f"and the heights of camera and person told (*known*).{older}"
    )
    return f"## What each augmentation brings\n\n{about} {found}"


if __name__ == "__main__":
    raise SystemExit(main())
