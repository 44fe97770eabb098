"""The subcommands of ``python -m estimator``: one module each, with ``add_arguments`` and ``run``."""
