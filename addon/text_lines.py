"""Sentences in panels and messages: Blender's labels and popups don't wrap by themselves.

They are translated before, where there is a translation of them; Blender sees to names and tooltips itself.
"""

from __future__ import annotations

import textwrap

import blf
import bpy
from bpy.app.translations import pgettext_iface, pgettext_rpt

_MARGIN = 84
"""Pixels at a scale of 1 that borders, icon, tabs and scroll bar take of a sidebar's width."""
_FONT_SIZE = 11
_MESSAGE_WIDTH = 80
"""Letters of a line in the window that shows an error."""


def for_report(text: str) -> str:
    """What an operator reports: over several lines where a window will show it, else in one."""
    text = pgettext_rpt(text)
    if bpy.app.background:
        return text
    # Names of formats and paths stay whole, so that they can be read and copied.
    lines = textwrap.wrap(text, _MESSAGE_WIDTH, break_long_words=False, break_on_hyphens=False)
    return " \n".join(lines)  # the status bar shows it in one line, where the space is missed


def reason_of(error: RuntimeError) -> str:
    """What an operator that failed says, in one line; where a traceback ends, its last line of all."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Location: ")]
    return lines[-1].strip().removeprefix("Error: ") if lines else "Blender gives no reason"


def draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """A sentence over as many lines as the region's width needs."""
    scale = context.preferences.system.ui_scale
    text = pgettext_iface(text)
    blf.size(0, _FONT_SIZE * scale)
    letter = blf.dimensions(0, "Sphinx of black quartz, judge my vow")[0] / 36 or 6.0 * scale
    width = context.region.width - _MARGIN * scale if context.region is not None else 300.0
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(textwrap.wrap(text, max(int(width / letter), 16))):
        column.label(
            text=line, translate=False, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE"
        )
