"""A model of a window that slides over time, as a function that takes a step: only what is new is computed.

``step_function`` is all that others need. Row-wise execution of one image (``planner/stream.py``) is another thing.
"""

from mcuq.sliding.feed import fed_bytes, steps_of
from mcuq.sliding.step import NotSlidingError, SlidingModel, step_function

__all__ = ["NotSlidingError", "SlidingModel", "fed_bytes", "step_function", "steps_of"]
