"""The processes that LiteRT runs in: each loads one model, runs samples, answers over a pipe. ``mcuq.litert`` asks.

LiteRT aborts on some hostile files, so it never runs in mcuq's own process. Importing it takes half a second, so one
process does that once, and forks for each model. Messages are one JSON line, then the bytes of the arrays that it
names; nothing is unpickled. No check of data here.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def pack(message: dict[str, Any], arrays: Sequence[Array] = ()) -> bytes:
    """A message as bytes. ``message`` must be plain JSON."""
    contiguous = [np.ascontiguousarray(array) for array in arrays]
    described = [(array.dtype.str, array.shape) for array in arrays]
    header = json.dumps({**message, "arrays": described}).encode()
    return b"".join((header, b"\n", *(array.tobytes() for array in contiguous)))


def unpack(content: bytes) -> tuple[dict[str, Any], list[Array]]:
    """What ``pack`` packed; the arrays are read-only."""
    end = content.index(b"\n") + 1
    message: dict[str, Any] = json.loads(content[:end])
    arrays = []
    for kind, shape in message.pop("arrays"):
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(content, dtype, count, end).reshape(shape))
        end += count * dtype.itemsize
    return message, arrays


class _Model:
    """A model in LiteRT's interpreter."""

    def __init__(self, content: bytes, exact: bool, all_tensors: bool, delegate: bool) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415

        # Its default differs from machine to machine: a delegate takes what it can.
        optimized = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        resolver = OpResolverType.BUILTIN_REF if exact else optimized

        def make() -> Any:
            interpreter = Interpreter(
                model_content=content,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=all_tensors,
                num_threads=1,
            )
            interpreter.allocate_tensors()
            return interpreter

        self._make = make
        self._interpreter = make()
        self._inputs, self._outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._output_indices = [int(detail["index"]) for detail in self._outputs]

    def description(self, all_tensors: bool) -> dict[str, Any]:
        return {
            "inputs": [_described(detail) for detail in self._inputs],
            "outputs": [_described(detail) for detail in self._outputs],
            "computed": self._computed_tensors() if all_tensors else [],
            "delegated": any(op["op_name"] == "DELEGATE" for op in self._interpreter._get_ops_details()),
        }

    def _computed_tensors(self) -> list[tuple[str, int]]:
        """(name, index) of the inputs and of every tensor that an operator computes, in order of computation.

        Outputs of a WHILE that nothing reads have the index -1 in LiteRT; a variable's handle holds no values.
        """
        operators = self._interpreter._get_ops_details()
        order = [int(detail["index"]) for detail in self._inputs]
        order += [int(i) for op in operators if op["op_name"] != "VAR_HANDLE" for i in op["outputs"] if i >= 0]
        names = {int(detail["index"]): str(detail["name"]) for detail in self._interpreter.get_tensor_details()}
        return [(names[index], index) for index in dict.fromkeys(order)]

    def _forget(self) -> None:
        """Every run stands alone: variables get their first values. Those with a handle are made anew."""
        if any(op["op_name"] == "VAR_HANDLE" for op in self._interpreter._get_ops_details()):
            self._interpreter = self._make()
        self._interpreter.reset_all_variables()

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        self._forget()
        for detail, values in zip(self._inputs, arrays, strict=True):
            self._interpreter.set_tensor(detail["index"], values)
        self._interpreter.invoke()
        return self.tensors(self._output_indices)

    def tensors(self, indices: Sequence[int]) -> list[Array]:
        return [self._interpreter.get_tensor(index) for index in indices]


def _described(detail: Any) -> dict[str, Any]:
    scale, zero_point = detail["quantization"]
    return {
        "name": str(detail["name"]),
        "shape": [int(size) for size in detail["shape"]],
        "dtype": np.dtype(detail["dtype"]).str,
        "scale": float(scale),
        "zero_point": int(zero_point),
    }


ORDER = struct.Struct("!cQd")
"""What the first process is told: one of the three below, the number of a worker, a time limit in seconds."""

START, END, CODE = b"s", b"e", b"c"
"""Start a worker (with the descriptors of its connection and its standard error); end it; tell how it ended (as
``EXIT_CODE``, negative for a signal)."""

EXIT_CODE = struct.Struct("!q")


def main() -> None:
    """Serve the socket whose descriptor is the argument: fork workers until the other side closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is mcuq's to answer; it ends these processes
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ImportError):  # each worker will say so
        import ai_edge_litert.interpreter  # noqa: F401, PLC0415
    server = socket.socket(fileno=int(sys.argv[1]))
    workers: dict[int, int] = {}
    codes: dict[int, int] = {}
    while True:
        order, descriptors, _, _ = socket.recv_fds(server, ORDER.size, 2)
        if len(order) < ORDER.size:
            return
        what, number, limit_s = ORDER.unpack(order)
        if what == START:
            pid = os.fork()
            if pid == 0:
                server.close()
                connection, words = descriptors
                _work(connection, words, limit_s)
            workers[number] = pid
            for descriptor in descriptors:
                os.close(descriptor)
        elif what == END:
            if codes.pop(number, None) is None:
                pid = workers.pop(number)
                os.kill(pid, signal.SIGKILL)  # it has nothing to save: killing is faster than asking
                os.waitpid(pid, 0)
        else:
            if number not in codes:
                codes[number] = os.waitstatus_to_exitcode(os.waitpid(workers.pop(number), 0)[1])
            server.sendall(EXIT_CODE.pack(codes[number]))


def _work(connection: int, words: int, limit_s: float) -> NoReturn:
    os.dup2(words, sys.stderr.fileno())
    os.close(words)
    try:
        _serve(Connection(connection), limit_s)
    finally:
        os._exit(0)


def _serve(connection: Connection, limit_s: float) -> None:
    """One model; ``limit_s`` is for each answer."""
    model: _Model | None = None
    while True:
        try:
            message, arrays = unpack(connection.recv_bytes())
        except EOFError:
            return
        # The default action of SIGALRM ends the process, also inside LiteRT.
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        try:
            if message["do"] == "load":
                all_tensors = bool(message["all_tensors"])
                content, exact = arrays[0].tobytes(), bool(message["exact"])
                model = _Model(content, exact, all_tensors, bool(message["delegate"]))
                answer = pack(model.description(all_tensors))
            elif message["do"] == "run" and model is not None:
                answer = pack({}, model.run(arrays))
            else:
                assert model is not None
                answer = pack({}, model.tensors(message["indices"]))
        except Exception as error:  # LiteRT raises ValueError and RuntimeError, and whatever numpy makes of a file
            answer = pack({"error": str(error).strip()[:300] or type(error).__name__})
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            connection.send_bytes(answer)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
