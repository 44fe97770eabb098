"""How far an answer is from the truth, and whether it moves like a person.

Pure functions on numpy arrays: metres and seconds in, metres out unless the name says otherwise. Mirror
images are never allowed. T frames, N points; what a caller leaves out of N is not measured.
"""

from .alignment import aligned, similarity
from .dynamics import acceleration_error, jitter, peak_speed
from .feet import (
    ContactCounts,
    contact_counts,
    contact_sliding,
    foot_sliding,
    penetration,
    standing_height_error,
)
from .pose import EVALUATED_JOINTS, LIMB_JOINTS, bone_length_spread, mpjpe, n_mpjpe, p_mpjpe
from .projection import gravity_error, reprojection_percent
from .rotations import (
    RotationErrors,
    hyperextended,
    rotation_errors,
    rotation_steps,
    rotational_acceleration,
)
from .trajectory import RootError, depth_error, drift, root_error, w_mpjpe, wa_mpjpe

__all__ = [
    "EVALUATED_JOINTS",
    "LIMB_JOINTS",
    "ContactCounts",
    "RootError",
    "RotationErrors",
    "acceleration_error",
    "aligned",
    "bone_length_spread",
    "contact_counts",
    "contact_sliding",
    "depth_error",
    "drift",
    "foot_sliding",
    "gravity_error",
    "hyperextended",
    "jitter",
    "mpjpe",
    "n_mpjpe",
    "p_mpjpe",
    "peak_speed",
    "penetration",
    "reprojection_percent",
    "root_error",
    "rotation_errors",
    "rotation_steps",
    "rotational_acceleration",
    "similarity",
    "standing_height_error",
    "w_mpjpe",
    "wa_mpjpe",
]
