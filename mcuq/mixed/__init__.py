"""Mixed precision: which scheme each layer gets, by what it costs the model's output and what it saves in flash."""

from mcuq.mixed.machine import Latency, Machine, choosing

__all__ = ["Latency", "Machine", "choosing"]
