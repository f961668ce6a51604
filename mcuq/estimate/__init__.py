"""Estimates of time: instructions counted address by address in QEMU, times what each takes on the board's core.

An estimate is never called a measurement: memory is taken to have no wait states, and cores hide or add cycles that
their manuals do not tell.
"""
