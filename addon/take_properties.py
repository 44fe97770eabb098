"""What a take knows besides the pose, as animated custom properties of the armature object.

Retargeting plants the target's feet by the contacts; a person sees in the graph editor how far to trust what.
"""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..estimator.motion import Motion
from .animation import Curve, array_curves
from .timing import points_at

Array = NDArray[np.float64]

CONTACT_PROPERTIES = {
    "left": ("kinelift_contact_left_heel", "kinelift_contact_left_toe"),
    "right": ("kinelift_contact_right_heel", "kinelift_contact_right_toe"),
}
"""By side: probability that heel and toe stand still in the scene, at any height."""
CONFIDENCE_PROPERTY = "kinelift_confidence"
"""How far to trust each frame, 0..1."""
_GROUP = "Kinelift"


def property_curves(motion: Motion, rows: Array, scene_frames: Array) -> list[Curve]:
    """Curves of all properties, for keys at ``rows`` (N,) of the motion and on ``scene_frames`` (N,)."""
    names = [name for pair in CONTACT_PROPERTIES.values() for name in pair] + [CONFIDENCE_PROPERTY]
    values = points_at(np.column_stack([motion.contacts, motion.frame_confidence]), rows).clip(0.0, 1.0)
    return [
        curve
        for column, name in enumerate(names)
        for curve in array_curves(f'["{name}"]', scene_frames, values[:, column : column + 1], group=_GROUP)
    ]


def add_properties(armature_object: bpy.types.Object) -> None:
    """Makes the properties, which their curves then drive."""
    for side, names in CONTACT_PROPERTIES.items():
        for point, name in zip(("heel", "toe"), names, strict=True):
            _add(armature_object, name, f"Probability that the {side} {point} stands still")
    _add(armature_object, CONFIDENCE_PROPERTY, "How far to trust this frame of the estimate")


def _add(armature_object: bpy.types.Object, name: str, description: str) -> None:
    armature_object[name] = 0.0
    armature_object.id_properties_ui(name).update(
        min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, description=description
    )
