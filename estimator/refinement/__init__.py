"""Refines a take on its own keypoints, starting from the network's answer.

The network only makes its best guess; all keypoints of the clip together say more about this one person.
After Tung et al. (2017), who adapt to the clip at hand by its own keypoints, the most probable motion is
sought, given (``terms``, ``steadiness``, ``feet``):

- keypoints: distance from each line of sight, weighted by confidence, robust against false detections;
- the network's answer: every joint may turn and the root may move, but far is improbable;
- time: nothing jerks, the less so the less it moves;
- contacts: what stands still keeps standing still;
- ground, where known: feet that stand near it are on it, and none is below it;
- joints: knees and elbows bend one way only;
- the ten lengths, and where the detector marks this person, are the same on every frame (``physique``,
  found by ``fitting``).

All of it is a sum of squares, so a few rounds of Gauss and Newton's method find it: each solves one banded
system (``motion_system``) for all freedoms of all frames of a window. How hard a movement is smoothed comes
out of that by itself: little where the picture shows it, much along the line of sight, where only the network
speaks, and most where nothing is seen. A further kind of evidence, masks or optical flow, would be a further
term.

Long clips go through in windows; memory doesn't grow with the clip.
"""

from .fitting import FittedFrames, fit_frames
from .windows import refine

__all__ = ["FittedFrames", "fit_frames", "refine"]
