"""What the generator is trained for: a module each, with the interface of ``objective.Objective``."""
