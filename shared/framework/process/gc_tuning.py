"""How often a process looks for garbage."""

import gc


def tune_garbage_collector() -> None:
    """Leave alone what was imported, and look less often: a third of the CPU of folding went into looking."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
