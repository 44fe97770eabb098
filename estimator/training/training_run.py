"""A training run: network, running average, optimiser, data and objectives, and how far it is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ..atomic_write import written_whole
from ..errors import InputError
from ..generator import Generator, GeneratorConfig, read_note, read_weights, save_weights, write_torch
from .batches import moved
from .capture_clip import CaptureClip
from .lineage import DataRow, Stage, stages_of
from .measure import JointPredictor, TestClip, evaluation_clips, generator_joints, joint_errors
from .objectives.objective import Batch
from .objectives.registry import parse_objectives
from .optimiser import Optimiser
from .position_baseline import PositionNetwork, predict_positions
from .processes import Processes
from .run_checks import check_settings
from .run_data import augmentation_summary, sources, summary
from .settings import TrainSettings, check_same, settings_state
from .tracks import TrackClip
from .unpaired import split_people
from .unpaired_figures import known_camera_clips
from .yardstick import Yardstick, save_yardstick

NOISE_RAMP = 0.15
"""Share of the training over which the detector's noise grows to its full strength."""
CHECKPOINT, CARD = "checkpoint.pt", "README.md"
LAST, BEST = "last.pt", "best.pt"
"""Weights at the end of the training so far, and those that did best in validation."""
_SEEDS_APART = 1000
"""Between processes, whose sources take a seed of their own each."""


class Run:
    """State of a training run.

    Args:
        settings: of the run.
        clips: all of the capture; their splits say what they are for.
        out: folder of checkpoint and weights.
        tracks: of real videos.
        processes: that train together, all with the same arguments.

    Raises:
        InputError: settings that contradict each other, or data that some objective needs is missing.
    """

    def __init__(
        self,
        settings: TrainSettings,
        clips: list[CaptureClip],
        out: Path,
        tracks: list[TrackClip] | None = None,
        processes: Processes = Processes(),
    ) -> None:
        # The same in all processes: so are the weights that they begin with.
        torch.manual_seed(settings.seed)
        self.settings, self.out, self.processes = settings, out, processes
        self.objectives = parse_objectives(settings.objectives)
        check_settings(settings, self.objectives.needs, self.objectives.shortest_window, tracks)
        if settings.batch % processes.count:
            raise InputError(
                f"--batch {settings.batch} windows for {processes.count} processes; give a multiple of that"
            )
        for weighted in self.objectives.chosen:
            weighted.objective.join(processes)
        config = GeneratorConfig(channels=settings.channels)
        self.network = _new_network(settings, config)
        self.earlier: list[Stage] = []
        if settings.start_from and not (out / CHECKPOINT).exists():
            self.earlier = stages_of(_begin_with(self.network, Path(settings.start_from)))
        self.network.to(processes.device)
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = Optimiser(self.network, settings.learning_rate)
        train = [clip for clip in clips if clip.split == "train"]
        validation = [clip for clip in clips if clip.split == "validation"]
        if not train or not validation:
            missing = "train" if validation else "validation"
            raise InputError(
                f"no person of the capture is for {missing}; give its folder an index.csv (columns set, "
                f"file, subject, action, split) whose split says {missing} for somebody with takes of a "
                "second or more"
            )
        self.data = {
            "capture": summary(clips),
            "tracks": summary(tracks or []),
            "augmentation": augmentation_summary(),
        }
        motion, seen = split_people(train) if settings.unpaired else (train, train)
        if settings.unpaired:
            self.data |= {"motion only": summary(motion), "keypoints only": summary(seen)}
        if processes.count > 1:
            self.data["processes"] = str(processes.count)
        own_seed = settings.seed + _SEEDS_APART * processes.rank
        torch.manual_seed(own_seed)
        self.source = sources(settings, motion, seen, tracks, own_seed)
        self.validation: list[TestClip] = (
            known_camera_clips(validation) if settings.unpaired else evaluation_clips(validation)
        )
        self.step, self.seconds, self.best = 0, 0.0, math.inf

    @property
    def progress(self) -> float:
        """Share of the time, or of the steps, that is used up, 0..1."""
        if self.settings.steps:
            return min(self.step / self.settings.steps, 1.0)
        return min(self.seconds / (60 * self.settings.minutes), 1.0)

    def _learning_rate(self) -> float:
        warm = min(self.progress / self.settings.warm_up, 1.0)
        return self.settings.learning_rate * warm * max(0.5 * (1 + math.cos(math.pi * self.progress)), 0.01)

    def batch(self) -> Batch:
        """The next step's data, of the kinds that the objectives need by now."""
        needs = {need for active in self.objectives.active(self.progress) for need in active.objective.needs}
        noise = min(self.progress / NOISE_RAMP, 1.0)
        share = self.settings.batch // self.processes.count
        return moved(self.source.batch(needs, share, self.settings.frames, noise), self.processes.device)

    def losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar to minimise on one batch, and its terms."""
        # Networks to compare with meet supervision alone, which knows them.
        network = cast(Generator, self.network)
        return self.objectives.losses(network, batch, self.progress)

    def advance(self) -> dict[str, float]:
        """One optimisation step; returns the loss terms."""
        started = self._clock()
        batch = self.batch()
        self.network.train()
        total, terms = self.losses(batch)
        self.optimiser.zero_grad()
        if total.requires_grad:  # not while every objective is still to begin
            total.backward()
            self.processes.average_gradients(self.network.parameters())
            steepness = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            if not steepness.isfinite():
                raise self._diverged(f"losses are no numbers any more ({_terms_told(terms)})")
            self.optimiser.step(self._learning_rate())
        # A short memory at first, so that the average is worth measuring early on.
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
            # Batch normalisation's statistics are running averages already.
            for kept, newest in zip(self.average.buffers(), self.network.buffers(), strict=True):
                kept.copy_(newest)
        self.step += 1
        self.seconds = self.processes.longest(self.seconds + self._clock() - started)
        return {"total": total.item()} | {name: loss.item() for name, loss in terms.items()}

    def _diverged(self, what: str) -> InputError:
        return InputError(
            f"step {self.step}: the {what}; what {self.out} holds is from before: start anew in another, "
            "with a lower --learning-rate"
        )

    def _clock(self) -> float:
        """Seconds. Of a processor its own time, so that what else the machine does changes nothing."""
        if self.processes.device.type == "cpu":
            return time.process_time() / torch.get_num_threads()
        return time.monotonic()

    def predictor(self) -> JointPredictor:
        """The averaged network, as validation asks it: on the processor."""
        average = deepcopy(self.average).cpu()
        if isinstance(average, Yardstick):
            return average.joints
        if isinstance(average, PositionNetwork):
            return lambda sample: predict_positions(average, sample)
        return generator_joints(average)

    def validate(self) -> dict[str, dict[str, float]]:
        """Joint errors of the averaged network on the validation clips."""
        return joint_errors(self.predictor(), self.validation)

    def save(self, *, best: bool, data: Sequence[DataRow] | None = None) -> None:
        """Checkpoint to go on from, and the averaged weights; each written whole or not at all.

        The first process writes; all must call it.

        Args:
            best: whether these are the best weights so far.
            data: what is trained on, to be remembered by whoever begins with these weights; None if unknown.
        """
        self._check_weights()
        # Before the checkpoint: who goes on from that won't come by here again.
        if self.processes.first:
            self.save_weights(best=best, data=data)
        self.save_checkpoint()

    def _check_weights(self) -> None:
        if not all(bool(value.isfinite().all()) for value in self.network.parameters()):
            raise self._diverged("weights are no numbers any more")

    def save_checkpoint(self) -> None:
        """All that is needed to go on; the first process writes, all must call it.

        Raises:
            InputError: the weights are no numbers any more.
        """
        self._check_weights()
        gathered = self.processes.gathered
        random: dict[str, Any] = {
            "sources": {name: gathered(state) for name, state in self.source.state_dict().items()},
            "torch_random": gathered(torch.get_rng_state()),
        }
        if self.processes.device.type == "cuda":
            random["cuda_random"] = gathered(torch.cuda.get_rng_state(self.processes.device))
        if not self.processes.first:
            return
        state = random | {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "objectives": {w.objective.name: w.objective.state_dict() for w in self.objectives.chosen},
            "progress": (self.step, self.seconds, self.best),
            "earlier": [stage.state() for stage in self.earlier],
            "settings": settings_state(self.settings, self.data),
        }
        with written_whole(self.out / CHECKPOINT) as path:
            write_torch(state, path)

    def save_weights(self, *, best: bool, data: Sequence[DataRow] | None) -> None:
        """The averaged weights; the arguments are those of ``save``."""
        settings = self.settings
        learned_from = None if data is None else tuple(data)
        own = Stage(settings.objectives, self.step, self.seconds, settings.seed, learned_from)
        stages = [*self.earlier, own]
        note: dict[str, Any] = {
            "steps": sum(stage.steps for stage in stages),
            "seconds": sum(stage.seconds for stage in stages),
            "validation_p_mpjpe_mm": self.best,
            "objectives": settings.objectives,
            "stages": [stage.state() for stage in stages],
        }
        average = deepcopy(self.average).cpu()
        for name in (LAST, BEST) if best else (LAST,):
            with written_whole(self.out / name) as path:
                if isinstance(average, Yardstick):
                    save_yardstick(path, average, note)
                else:
                    save_weights(path, average, note)

    def resume(self) -> bool:
        """Goes on from the checkpoint in the output folder, if there is one.

        Raises:
            InputError: it is another run's, or no checkpoint of this version; or the folder holds something
                that would be written over.
        """
        path = self.out / CHECKPOINT
        if not path.exists():
            if there := [name for name in (LAST, BEST, CARD) if (self.out / name).exists()]:
                raise InputError(
                    f"{self.out}: holds {', '.join(there)}, but no {CHECKPOINT} to go on from; give an empty "
                    "or new folder as --out"
                )
            return False
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            saved = state["settings"]
            check_same(saved, settings_state(self.settings, self.data), str(path))
            self._load_state(state)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{path}: no checkpoint of this version of Kinelift ({type(error).__name__}); "
                "choose another --out"
            ) from error
        return True

    def _load_state(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        for weighted in self.objectives.chosen:
            weighted.objective.load_state_dict(state["objectives"][weighted.objective.name])
        rank = self.processes.rank
        # Copies: torch reads beyond a part of a tensor here.
        own = {name: states[rank].clone() for name, states in state["sources"].items()}
        self.source.load_state_dict(own)
        torch.set_rng_state(state["torch_random"][rank].clone())
        if self.processes.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_random"][rank].clone(), self.processes.device)
        self.step, self.seconds, self.best = state["progress"]
        self.earlier = [Stage.from_state(stage) for stage in state["earlier"]]


def _new_network(settings: TrainSettings, config: GeneratorConfig) -> Generator | Yardstick:
    if settings.yardstick:
        return Yardstick(config)
    return PositionNetwork(config) if settings.positions else Generator(config)


def _begin_with(network: Generator | Yardstick, path: Path) -> dict[str, Any]:
    """Takes the weights of a file over; a head of another kind stays as it is. Returns the file's note.

    Raises:
        InputError: no weights, or of a network of another size.
    """
    config, weights = read_weights(path)
    own = network.state_dict()
    fitting = {name: w for name, w in weights.items() if name in own and own[name].shape == w.shape}
    if any(not name.startswith("head.") for name in weights.keys() - fitting.keys()):
        size = config.channels
        if size == network.config.channels:
            raise InputError(f"{path}: a network of another layout; give weights that this Kinelift trained")
        raise InputError(f"{path}: a network of {size} channels; give --channels {size}")
    network.load_state_dict(fitting, strict=False)
    return read_note(path)


def _terms_told(terms: dict[str, Tensor]) -> str:
    """The loss terms that aren't finite, in words."""
    broken = [name for name, loss in terms.items() if not bool(loss.isfinite())]
    return ", ".join(broken) or "their slope"
