"""How good an estimator is, measured the same way every time: ``python -m estimator evaluate``.

``protocol`` says what is measured and with what settings, ``cases`` and ``real`` make the clips, ``models``
answers them, ``measures`` compares, ``report`` and ``plots`` tell.
"""
