"""Clips converted without a window: ``addon/batch.py`` and ``blender --command kinelift``.

Arguments → clips → each in an empty file of its own → files, in this process or in further Blenders. What
belongs to the estimator alone, choosing people, records for ``--resume``, the report, is the estimator's.
"""
