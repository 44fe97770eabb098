"""The ground from the height of a camera of which nothing else is known.

Keypoints say well how far away the feet are and in which direction, and badly which way is down. The
camera's height over the ground settles that: of all grounds that the camera could look at with the horizon
of its picture kept level, one lies under the feet and as far below the camera as it should.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from .errors import InputError
from .ground import Ground, ground_below

Array = NDArray[np.float64]

MOST_CORRECTION = np.radians(35.0)
"""That the estimated direction of gravity may be off by."""


def ground_at_camera_height(
    camera_height: float, up: Array, feet: Array, still: Array, frame_confidence: Array
) -> Ground:
    """The ground under somebody's feet that lies ``camera_height`` below a static camera.

    Args:
        camera_height: metres, above 0.
        up: (3,) unit vector, as well as it is known, in the camera's OpenCV axes; it is tilted about the
            camera's x axis.
        feet: (T, 4, 3) contact points in the camera's axes, metres.
        still: (T, 4) probability that a contact point stands still.
        frame_confidence: (T,) 0..1.

    Raises:
        InputError: no tilt within reason puts the camera there.
    """

    def ground(tilt: float) -> Ground:
        tilted = Rotation.from_euler("x", tilt).apply(up)
        return ground_below(np.asarray(tilted), feet, still, frame_confidence)

    def too_high(tilt: float) -> float:
        return -ground(tilt).level - camera_height

    # Tried from where gravity is thought to be outwards, so that the nearest answer is found.
    for step in np.radians(np.arange(5.0, np.degrees(MOST_CORRECTION) + 0.1, 5.0)):
        for low, high in ((step - np.radians(5.0), step), (-step, np.radians(5.0) - step)):
            if too_high(low) * too_high(high) <= 0:
                return ground(float(brentq(too_high, low, high, xtol=1e-5)))
    reach = sorted(max(-ground(tilt).level, 0.0) for tilt in (-MOST_CORRECTION, MOST_CORRECTION))
    raise InputError(
        f"a camera {camera_height:g} m above the ground does not fit what it saw: that looks like "
        f"{reach[0]:.1f} to {reach[1]:.1f} m; correct it, or leave it out"
    )
