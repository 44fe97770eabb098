"""How long one of a scene's units is: scenes for game engines often have units of a centimetre."""

from __future__ import annotations

import bpy


def metres_per_unit(scene: bpy.types.Scene) -> float:
    """Metres that the scene's *Unit Scale* makes of one unit; 1 where lengths have no units."""
    units = scene.unit_settings
    return 1.0 if units.system == "NONE" else float(units.scale_length)


def shown_length(length: float, scene: bpy.types.Scene) -> str:
    """A length in the scene's units as its fields show it."""
    system = scene.unit_settings.system
    if system == "NONE":
        return f"{length:.3f}"
    metres = length * metres_per_unit(scene)
    return str(bpy.utils.units.to_string(system, "LENGTH", metres, precision=4))
