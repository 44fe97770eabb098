"""What of a person the detector hardly ever saw, so that users know what of the take is guessed."""

from __future__ import annotations

from .keypoint_set import KEYPOINT_INDEX
from .track import KeypointTrack

SEEN = 0.2
"""Confidence from which on a keypoint counts as seen: detectors give coordinates to hidden ones, too."""
HARDLY = 0.5
"""Share of the frames below which a part of the body is told."""
_LIMBS = {"arm": ("elbow", "wrist"), "leg": ("knee", "ankle")}


def shares_seen(track: KeypointTrack) -> dict[str, float]:
    """Share 0..1 of the frames with anything of the person on which all of an arm or leg is seen."""
    confidence = track.confidence[track.present.any(axis=1)]
    shares = {}
    for limb, points in _LIMBS.items():
        for side in ("left", "right"):
            columns = [KEYPOINT_INDEX[f"{side}_{point}"] for point in points]
            seen = (confidence[:, columns] >= SEEN).all(axis=1)
            shares[f"{side} {limb}"] = float(seen.mean()) if len(seen) else 0.0
    return shares


def hidden_parts(track: KeypointTrack) -> str | None:
    """A line about limbs that are hardly seen, and so are guessed; None if there are none."""
    shares = {part: share for part, share in shares_seen(track).items() if share < HARDLY}
    for limb in _LIMBS:
        sides = [f"{side} {limb}" for side in ("left", "right")]
        if all(side in shares for side in sides):
            shares[f"{limb}s"] = max(shares.pop(side) for side in sides)
    if not shares:
        return None
    first, *others = shares.items()
    told = [
        f"{first[0]} ({first[1]:.0%} of the frames)",
        *(f"{part} ({share:.0%})" for part, share in others),
    ]
    return f"hardly seen, so guessed: {', '.join(told)}"
