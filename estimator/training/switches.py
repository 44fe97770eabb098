"""Every augmentation by name, so that any of them can be switched off and its worth measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ..errors import InputError
from .synthetic import SyntheticSettings

Switch = Callable[[SyntheticSettings], SyntheticSettings]


def _augment(**values: float) -> Switch:
    return lambda settings: replace(settings, augment=replace(settings.augment, **values))


def _detector(**values: float) -> Switch:
    return lambda settings: replace(settings, detector=replace(settings.detector, **values))


def _settings(**values: float) -> Switch:
    return lambda settings: replace(settings, **values)  # type: ignore[arg-type]


def _one_camera(settings: SyntheticSettings) -> SyntheticSettings:
    """One lens at one distance and tilt; the way the person faces stays as random as the capture's."""
    cameras = replace(
        settings.cameras,
        distance=(4.5, 4.5),
        pitch=(5.0, 0.0),
        roll_spread=0.0,
        focal_mm=(35.0, 35.0),
        aim_spread=0.0,
    )
    return replace(settings, cameras=cameras)


SWITCHES: dict[str, Switch] = {
    "cameras": _one_camera,
    "moving": lambda settings: replace(settings, cameras=replace(settings.cameras, moving=0.0)),
    "focal": _settings(wrong_focal=0.0),
    "edges": _settings(picture_edge=0.0),
    "crops": _settings(cropped=0.0),
    "noise": _detector(noise=0.0),
    "masks": _detector(gaps=0.0),
    "swaps": _detector(swaps=0.0),
    "offsets": _detector(offsets=0.0),
    "speed": _settings(max_speed=1.0),
    "mirror": _augment(mirror=0.0),
    "proportions": _augment(stature_spread=0.0, length_spread=0.0),
    "parts": _augment(swap=0.0),
    "perturb": _augment(perturb=0.0),
    "limbs": _augment(arms=0.0, legs=0.0, trunk=0.0),
    "crouch": _augment(crouch=0.0),
    "known": _settings(known_gravity=0.0, known_camera_height=0.0, known_person_height=0.0),
}
"""Name to what takes it out. ``swaps`` are the detector's left for right, ``parts`` other upper bodies."""


OF_TRACKS = frozenset({"mirror", "proportions", "speed"})
"""Those that do something where nothing synthetic is drawn: to real tracks, and motion to compare with."""
OF_VIDEOS = OF_TRACKS | {"cameras", "edges", "noise", "masks", "swaps", "offsets"}
"""Those that do something in unpaired training: also to capture that is seen as videos are."""


def settings_without(names: Iterable[str]) -> SyntheticSettings:
    """Training's usual settings less some augmentations.

    Raises:
        InputError: for a name that isn't in ``SWITCHES``.
    """
    settings = SyntheticSettings()
    for name in names:
        if name not in SWITCHES:
            raise InputError(f"--without {name}: no such augmentation; choose from {', '.join(SWITCHES)}")
        settings = SWITCHES[name](settings)
    return settings
