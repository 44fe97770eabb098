"""Retargeting: the motion of one armature onto another of any build.

Which bone is which → what the source does → the same in the target's bones → a new action. The mathematics
are in numpy alone; `rest_rig`, `source_motion`, `control_rig` and `retargeting` are where Blender is read,
`retarget_result` is where it is written.
"""
