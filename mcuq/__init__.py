"""mcuq: trained neural networks to Cortex-M firmware, byte for byte what the quantized model says."""

__version__ = "0.1.0"
