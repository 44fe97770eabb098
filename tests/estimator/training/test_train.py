"""Training falls, resumes where it stopped, and writes weights that load."""

import contextlib
import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from estimator.__main__ import main
from estimator.errors import InputError
from estimator.generator import Generator, GeneratorConfig, load_weights, read_note, save_weights
from estimator.keypoint_set import K
from estimator.training import detections
from estimator.training import train as training
from estimator.training.capture_cache import save_cache
from estimator.training.measure import evaluation_clips, generator_joints, joint_errors, mean_by_class
from estimator.training.model_card import capture_rows
from estimator.training.settings import TrainSettings
from estimator.training.tracks import TrackClip
from estimator.training.train import train
from estimator.training.training_run import Run
from estimator.training.yardstick import load_yardstick

from .captures import made_up_clip

CLIPS = [made_up_clip("a", 120, 1), made_up_clip("b", 120, 2), made_up_clip("v", 60, 3, split="validation")]
SETTINGS = TrainSettings(minutes=5.0, batch=2, frames=40, channels=48, warm_up=0.001)


def _track(frames=60):
    rays = torch.nn.functional.normalize(
        torch.tensor([0.0, 0.0, 3.0]) + 0.5 * torch.randn(frames, K, 3), dim=-1
    )
    return TrackClip("video/walk_p1", rays, torch.ones(frames, K))


def test_the_position_only_network_falls_on_a_batch_seen_again_and_again(tmp_path):
    run = Run(replace(SETTINGS, positions=True), CLIPS, tmp_path)
    batch = run.batch()
    optimiser = torch.optim.Adam(run.network.parameters(), 3e-3)
    history = []
    for _ in range(40):
        total, losses = run.losses(batch)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        history.append(losses["supervision/joints"].item())
    assert history[-1] < 0.7 * history[0]


def test_the_yardstick_trains_resumes_and_is_measured(tmp_path):
    settings = replace(SETTINGS, yardstick=True, minutes=0.05, validate_every=0.05)
    train(Run(settings, CLIPS, tmp_path))
    network = load_yardstick(tmp_path / "last.pt")
    assert network.pose.expand_norm.running_var.std() > 0, "the statistics come along"
    again = Run(settings, CLIPS, tmp_path)
    assert again.resume() and again.step > 0
    assert again.validate()["p_mpjpe"]["balanced"] > 0


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        replace(SETTINGS, objectives="supervision,habekost,pavllo", without=("swaps",)),
        replace(SETTINGS, objectives="habekost", unpaired=True),
    ],
    ids=["supervision", "all objectives", "unpaired"],
)
def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path, settings):
    tracks = [_track()] if "pavllo" in settings.objectives else None
    straight = Run(settings, CLIPS, tmp_path, tracks)
    for _ in range(2):
        straight.advance()
    straight.save(best=True)
    resumed = Run(settings, CLIPS, tmp_path, tracks)
    assert resumed.resume()
    assert (resumed.step, resumed.seconds) == (2, straight.seconds)
    # The time a step takes is measured and decides rates and noise, so both are given the same.
    resumed.seconds = straight.seconds = 40.0
    torch_random = torch.get_rng_state()
    expected = straight.advance()
    torch.set_rng_state(torch_random)
    assert resumed.advance() == pytest.approx(expected, rel=1e-5)
    for x, y in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.allclose(x, y, atol=1e-7)
    for a, b in zip(straight.objectives.chosen, resumed.objectives.chosen, strict=True):
        old, new = a.objective.state_dict(), b.objective.state_dict()
        assert old.keys() == new.keys()
        for name, value in old.get("discriminator", {}).items():
            assert torch.allclose(value, new["discriminator"][name], atol=1e-7), name


def test_a_checkpoint_of_other_settings_or_of_nothing_known_is_refused(tmp_path):
    Run(SETTINGS, CLIPS, tmp_path).save(best=False)
    with pytest.raises(InputError, match="--seed was 1, now is 2"):
        Run(replace(SETTINGS, seed=2), CLIPS, tmp_path).resume()
    with pytest.raises(InputError, match="capture was 3 clips"):
        Run(SETTINGS, CLIPS[1:], tmp_path).resume()
    assert Run(replace(SETTINGS, minutes=9.0), CLIPS, tmp_path).resume()
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="no checkpoint of this version"):
        Run(SETTINGS, CLIPS, tmp_path).resume()


@pytest.mark.parametrize(
    ("changed", "tracks", "says"),
    [
        ({"objectives": "pavllo"}, None, "give --tracks"),
        ({"objectives": "supervision", "unpaired": True}, None, "unpaired"),
        ({"objectives": "supervision,habekost", "unpaired": True}, None, "must not see"),
        ({"objectives": "habekost", "unpaired": True}, [_track()], "leave out --tracks"),
        ({"objectives": "habekost", "unpaired": True, "start_from": "w.pt"}, None, "leave out --start-from"),
        ({}, [_track()], "uses no keypoint tracks"),
        ({"objectives": "habekost", "frames": 20}, [_track()], "windows of 29"),
        ({"objectives": "habekost", "positions": True}, [_track()], "by supervision only"),
        ({"without": ("noises",)}, None, "--without noises"),
        ({"objectives": "habekost", "without": ("noise",)}, [_track()], "--without noise: not drawn"),
        ({"objectives": "habekost", "unpaired": True, "without": ("known",)}, None, "--without known: not"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_one_line(tmp_path, changed, tracks, says):
    with pytest.raises(InputError) as caught:
        Run(replace(SETTINGS, **changed), CLIPS, tmp_path, tracks)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_an_objective_that_begins_late_is_not_computed_before(tmp_path):
    run = Run(replace(SETTINGS, objectives="supervision,habekost@0.5"), CLIPS, tmp_path, [_track()])
    assert run.batch().tracks is None
    assert not any(name.startswith("habekost") for name in run.advance())
    run.seconds = 0.6 * 60 * run.settings.minutes
    assert any(name.startswith("habekost") for name in run.advance())


def test_a_whole_run_leaves_log_validation_card_and_weights(tmp_path):
    settings = TrainSettings(minutes=0.03, batch=1, frames=30, channels=32, validate_every=0.02)
    train(Run(settings, CLIPS, tmp_path), capture_rows(CLIPS))
    line = json.loads((tmp_path / "validation.jsonl").read_text().splitlines()[-1])
    assert line["p_mpjpe"]["walk_run"] > 0
    generator = load_weights(tmp_path / "best.pt", torch.device("cpu"))
    assert generator.config.channels == 32
    card = (tmp_path / "README.md").read_text()
    assert "made up" in card and "supervision × 1" in card and "walk_run" in card
    assert not Run(settings, CLIPS, tmp_path / "elsewhere").resume()
    assert not list(tmp_path.glob("*.part"))


def test_the_command_trains_goes_on_and_refuses(tmp_path, capsys):
    save_cache(CLIPS, tmp_path / "cache.npz")
    command = ["train", "--mocap", str(tmp_path / "cache.npz"), "--out", str(tmp_path / "run")]
    command += ["--batch", "1", "--frames", "30", "--channels", "32", "--without", "perturb,parts"]
    assert main([*command, "--minutes", "0.01"]) == 0
    assert main([*command, "--minutes", "0.02"]) == 0
    assert "going on at step" in capsys.readouterr().out
    assert main([*command, "--minutes", "0.01"]) == 2
    assert "it may only grow" in capsys.readouterr().err
    assert main([*command, "--steps", "9"]) == 2
    assert "its length was given by --minutes, now is by --steps" in capsys.readouterr().err
    assert main([*command, "--steps", "0"]) == 2
    assert "--steps 0: give a whole number above 0" in capsys.readouterr().err
    assert main([*command, "--minutes", "0.02", "--objectives", "habekost"]) == 2
    assert "give --tracks DIR" in capsys.readouterr().err


def test_evaluation_is_the_same_every_time():
    clips = [made_up_clip("v", 60, 3)]
    a, b = evaluation_clips(clips), evaluation_clips(clips)
    assert [clip.name for clip in a] == ["v/0", "v/1"]
    assert torch.equal(a[1].sample.evidence.rays, b[1].sample.evidence.rays)


def test_the_truth_scores_zero_millimetres(tmp_path):
    clips = evaluation_clips([made_up_clip("v", 60, 3)])

    def truth(sample):
        scale = 1.7 / float(sample.truth.stature[0])
        return (sample.truth.joints - sample.truth.joints[:, :, :1]) * scale

    errors = joint_errors(truth, clips)
    assert errors["p_mpjpe"]["walk_run"] < 0.01 and errors["mpjpe"]["walk_run"] < 0.01
    untrained = generator_joints(Run(SETTINGS, CLIPS, tmp_path).average)
    assert joint_errors(untrained, clips)["mpjpe"]["walk_run"] > 50


def test_a_run_begins_with_the_weights_of_an_earlier_one(tmp_path):
    first = Run(SETTINGS, CLIPS, tmp_path)
    first.step, first.seconds = 5, 60.0
    first.save(best=False)
    weights = str(tmp_path / "last.pt")
    kept = first.average.state_dict()

    second = Run(replace(SETTINGS, start_from=weights, seed=2), CLIPS, tmp_path / "second")
    for name, value in second.network.state_dict().items():
        assert torch.allclose(value, kept[name], atol=1e-3), name
    second.out.mkdir()
    second.step, second.seconds = 7, 30.0
    second.save(best=False)
    note = read_note(second.out / "last.pt")
    assert (note["steps"], note["seconds"]) == (12, 90.0), "what the weights have been through altogether"

    # The checkpoint knows what it began with: neither is the file needed any more, nor what it says now.
    (tmp_path / "last.pt").rename(tmp_path / "moved.pt")
    again = Run(second.settings, CLIPS, tmp_path / "second")
    assert again.resume()
    again.save(best=False)
    assert read_note(second.out / "last.pt") == note
    (tmp_path / "moved.pt").rename(tmp_path / "last.pt")

    positions = Run(replace(SETTINGS, start_from=weights, positions=True), CLIPS, tmp_path / "third")
    assert torch.allclose(positions.network.expand.weight, kept["expand.weight"], atol=1e-3)
    assert positions.network.head.weight.shape != kept["head.weight"].shape

    with pytest.raises(InputError, match="--channels 48"):
        Run(replace(SETTINGS, start_from=weights, channels=32), CLIPS, tmp_path / "fourth")
    deeper = Generator(GeneratorConfig(48, (3, 9, 27, 81, 3)))
    save_weights(tmp_path / "deeper.pt", deeper, {})
    with pytest.raises(InputError, match=r"deeper\.pt: a network of another layout"):
        Run(replace(SETTINGS, start_from=str(tmp_path / "deeper.pt"), channels=48), CLIPS, tmp_path / "fifth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": -1.0}, "--minutes -1: give a number above 0"),
        ({"minutes": float("nan")}, "--minutes nan"),
        ({"minutes": 0.0}, "--minutes 0"),
        ({"batch": 0}, "--batch 0"),
        ({"channels": -4}, "--channels -4"),
        ({"learning_rate": float("inf")}, "--learning-rate inf"),
        ({"seed": 2**40}, "--seed 1099511627776: give a whole number"),
        ({"frames": 2}, "--frames 2: supervision needs windows of 3 or more"),
    ],
)
def test_numbers_that_nothing_can_be_trained_with_are_refused(changes, message, tmp_path):
    with pytest.raises(InputError, match=re.escape(message)):
        Run(replace(SETTINGS, **changes), CLIPS, tmp_path)


def test_other_capture_of_as_many_frames_is_another_run(tmp_path):
    Run(SETTINGS, CLIPS, tmp_path).save(best=False)
    assert Run(SETTINGS, CLIPS, tmp_path).resume()
    turned = replace(CLIPS[0], rotations=CLIPS[0].rotations[::-1].copy())
    with pytest.raises(InputError, match=r"capture was .* checksum"):
        Run(SETTINGS, [turned, *CLIPS[1:]], tmp_path).resume()


def test_a_checkpoint_that_lacks_something_is_told_of(tmp_path):
    run = Run(SETTINGS, CLIPS, tmp_path)
    run.save(best=False)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    for missing in ("optimiser", "torch_random", "earlier"):
        torch.save(
            {name: value for name, value in state.items() if name != missing}, tmp_path / "checkpoint.pt"
        )
        with pytest.raises(InputError, match=r"checkpoint.pt: no checkpoint of this version .*KeyError"):
            Run(SETTINGS, CLIPS, tmp_path).resume()


def test_a_full_disk_is_told_of_and_the_checkpoint_before_it_stays(tmp_path, monkeypatch):
    run = Run(SETTINGS, CLIPS, tmp_path)
    run.save(best=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    run.step = 9
    with pytest.raises(InputError, match=r"last.pt: can't be written \(No space left"):
        run.save(best=True)
    with pytest.raises(InputError, match=r"checkpoint.pt: can't be written \(No space left"):
        run.save_checkpoint()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_weights_that_could_not_be_written_at_the_end_are_when_it_goes_on(tmp_path, monkeypatch):
    settings = replace(SETTINGS, steps=3)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)  # after every step
    run = Run(settings, CLIPS, tmp_path)

    def full(*, best, data):
        raise InputError("last.pt: can't be written")

    monkeypatch.setattr(run, "save_weights", full)
    with pytest.raises(InputError, match=r"last\.pt"):
        train(run)
    again = Run(settings, CLIPS, tmp_path)
    assert again.resume() and again.step == 2, "the last step is made again"
    train(again)
    written = (tmp_path / "last.pt").read_bytes(), (tmp_path / "best.pt").read_bytes()

    (tmp_path / "last.pt").unlink()
    (tmp_path / "best.pt").unlink()
    finished = Run(settings, CLIPS, tmp_path)
    assert finished.resume() and finished.progress == 1
    train(finished)
    assert ((tmp_path / "last.pt").read_bytes(), (tmp_path / "best.pt").read_bytes()) == written


def test_a_run_that_is_stopped_often_is_validated_at_the_same_times(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    settings = replace(SETTINGS, minutes=10.0, validate_every=1.0)
    seen = []
    monkeypatch.setattr(training, "_validated", lambda run, *_: seen.append(round(run.seconds)) or False)

    def trained(stops):
        """A step is said to take 25 s; the run is stopped after so many steps, again and again."""
        run = Run(settings, CLIPS, tmp_path)
        run.resume()
        advance, steps = run.advance, 0

        def stepped():
            nonlocal steps
            if steps == stops:
                raise KeyboardInterrupt
            steps += 1
            before = run.seconds
            terms = advance()
            run.seconds = before + 25.0
            return terms

        monkeypatch.setattr(run, "advance", stepped)
        with contextlib.suppress(KeyboardInterrupt):
            train(run)
        return run.progress

    while trained(2) < 1:
        pass
    stopped, seen = seen, []
    for path in tmp_path.iterdir():
        path.unlink()
    assert trained(None) == 1
    assert stopped == seen and stopped[:3] == [75, 125, 200]


@pytest.mark.parametrize("objectives", ["supervision", "supervision,habekost@0.3,pavllo"])
def test_so_many_steps_come_to_the_same_weights_also_when_stopped(tmp_path, monkeypatch, capsys, objectives):
    settings = replace(SETTINGS, steps=6, objectives=objectives)
    tracks = [_track()] if "pavllo" in objectives else None
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)  # after every step
    (tmp_path / "straight").mkdir()
    train(Run(settings, CLIPS, tmp_path / "straight", tracks))

    (tmp_path / "stopped").mkdir()
    stopped = Run(settings, CLIPS, tmp_path / "stopped", tracks)
    advance = stopped.advance

    def advance_or_stop():
        if stopped.step == 4:
            raise KeyboardInterrupt
        return advance()

    monkeypatch.setattr(stopped, "advance", advance_or_stop)
    with pytest.raises(KeyboardInterrupt):
        train(stopped)
    assert "stopped after step 4 of 6, 0 minutes; kept until step 4" in capsys.readouterr().err
    assert not (tmp_path / "stopped" / "last.pt").exists(), "only a checkpoint"
    resumed = Run(settings, CLIPS, tmp_path / "stopped", tracks)
    assert resumed.resume() and resumed.step == 4
    train(resumed)
    assert resumed.step == 6
    straight, again = (
        load_weights(tmp_path / name / "last.pt", torch.device("cpu")) for name in ("straight", "stopped")
    )
    for a, b in zip(straight.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["README.md", "last.pt", "best.pt"])
def test_nothing_that_lies_in_the_folder_is_written_over(tmp_path, capsys, name):
    save_cache(CLIPS, tmp_path / "cache.npz")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    command = ["train", "--mocap", str(tmp_path / "cache.npz"), "--out", str(tmp_path / "out")]
    assert main([*command, "--channels", "32"]) == 2
    assert f"holds {name}, but no checkpoint.pt to go on from; give an empty" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_out_that_is_no_folder_is_told_of_before_anything_is_read(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    arguments = ["train", "--mocap", str(tmp_path / "nothing"), "--out", str(tmp_path / "file")]
    assert main(arguments) == 2
    assert "file: can't be written (File exists)" in capsys.readouterr().err


def test_where_everybody_stands_idle_they_are_what_counts():
    assert mean_by_class([("idle", 30.0), ("idle", 40.0)])["balanced"] == 35.0
    assert mean_by_class([("idle", 30.0), ("dance", 40.0)])["balanced"] == 40.0


def test_a_run_whose_losses_are_no_numbers_stops_and_keeps_what_was_saved(tmp_path):
    run = Run(SETTINGS, CLIPS, tmp_path)
    run.save(best=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with torch.no_grad():
        run.network.head.bias.fill_(torch.nan)
    with pytest.raises(InputError, match=r"step 0: the losses are no numbers any more \(.*joints"):
        train(run)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_weights_that_are_no_numbers_are_not_kept(tmp_path):
    run = Run(SETTINGS, CLIPS, tmp_path)
    run.save(best=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with torch.no_grad():
        run.network.head.bias[0] = torch.inf
    for save in (run.save_checkpoint, lambda: run.save(best=True)):
        with pytest.raises(InputError, match=r"step 0: the weights are no numbers any more"):
            save()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_last_steps_are_logged_also_where_they_are_few(tmp_path):
    train(Run(replace(SETTINGS, steps=3), CLIPS, tmp_path))
    assert [row.split(",")[0] for row in (tmp_path / "log.csv").read_text().splitlines()] == ["step", "3"]


def test_other_numbers_of_the_augmentation_are_another_run(tmp_path, monkeypatch):
    Run(SETTINGS, CLIPS, tmp_path).save(best=False)
    monkeypatch.setattr(detections, "_JITTER_CM", (9.0,) * 7)
    with pytest.raises(InputError, match="augmentation was checksum"):
        Run(SETTINGS, CLIPS, tmp_path).resume()
