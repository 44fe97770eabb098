"""Every augmentation can be switched off, and off means off."""

import pytest
import torch

from estimator.errors import InputError
from estimator.training.library import MotionLibrary
from estimator.training.switches import SWITCHES, settings_without
from estimator.training.synthetic import SyntheticSettings, SyntheticSource

from .captures import made_up_clip


@pytest.fixture(scope="module")
def library():
    return MotionLibrary([made_up_clip("a", 120, 1), made_up_clip("b", 90, 2)])


def _batch(library, *without, frames=32, size=6):
    return SyntheticSource(library, settings_without(without), seed=4).batch(size, frames)


def test_none_are_off_unless_named():
    assert settings_without(()) == SyntheticSettings()
    assert settings_without(SWITCHES) != SyntheticSettings()


@pytest.mark.parametrize("name", SWITCHES)
def test_each_changes_something_by_itself(name):
    assert settings_without([name]) != SyntheticSettings()


def test_an_unknown_one_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"--without swap: .*perturb"):
        settings_without(["swap"])


def test_without_anything_the_capture_is_seen_as_it_is(library):
    sample = _batch(library, *SWITCHES)
    motion = sample.truth.motion
    assert torch.allclose(motion.lengths, motion.lengths[:1].expand_as(motion.lengths))
    assert (sample.evidence.confidence > 0)[sample.evidence.in_clip].all()
    assert not sample.evidence.down.any() and sample.evidence.person_height.isnan().all()
    seen = torch.einsum("btij,btkj->btki", sample.view.from_camera, sample.evidence.rays)
    expected = torch.nn.functional.normalize(sample.truth.keypoints, dim=-1)
    assert (seen - expected).norm(dim=-1)[sample.evidence.in_clip].max() < 1e-4
    assert torch.allclose(sample.truth.axes_from_world[:, :1], sample.truth.axes_from_world, atol=1e-5)


def test_each_takes_out_what_it_is_called_after(library):
    assert (_batch(library, "masks", "edges", "crops").evidence.confidence > 0).all()
    assert not _batch(library, "known").evidence.down.any()
    still = _batch(library, "moving")
    assert torch.allclose(still.truth.centre[:, :1], still.truth.centre, atol=1e-5)
    lengths = _batch(library, "proportions").truth.lengths
    assert torch.allclose(lengths, lengths[:1].expand_as(lengths))
    assert not torch.allclose(_batch(library).truth.lengths, lengths)
