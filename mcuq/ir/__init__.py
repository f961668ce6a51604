"""The intermediate representation: tensors, layers and graphs as frozen values; no file or tool is touched here."""

from mcuq.ir.graph import Graph, Layer, Node
from mcuq.ir.tensor import DType, Quantization, Tensor, TensorType

__all__ = ["DType", "Graph", "Layer", "Node", "Quantization", "Tensor", "TensorType"]
