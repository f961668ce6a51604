"""Quantization-aware training with Keras: ``prepare`` a model, train it, ``export`` the int8 file.

Importing this package imports TensorFlow. Raises ``ToolError`` where it is missing.
"""

import os

from mcuq.frontend.keras import import_tensorflow
from mcuq.quiet import quiet_stderr

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # half the time per step; conversion alone does without
with quiet_stderr():
    import_tensorflow()

from mcuq.qat.distill import Epoch, distill
from mcuq.qat.export import export
from mcuq.qat.network import FakeQuantized
from mcuq.qat.prepare import float_tflite, prepare

__all__ = ["Epoch", "FakeQuantized", "distill", "export", "float_tflite", "prepare"]
