"""Reader of the TensorFlow Lite container (a FlatBuffer), as far as the mesh network needs it.

Only the tables and fields used here are named; the numbers are the field positions of the public TFLite schema (version 3).
"""
from dataclasses import dataclass, field

import numpy as np
from flatbuffers import encode, number_types
from flatbuffers.table import Table

BUILTIN = {0: 'ADD', 3: 'CONV_2D', 4: 'DEPTHWISE_CONV_2D', 6: 'DEQUANTIZE', 17: 'MAX_POOL_2D', 19: 'RELU', 22: 'RESHAPE', 34: 'PAD', 54: 'PRELU'}
DTYPE = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64}
ACTIVATION = {0: None, 1: 'relu'}


class TfliteError(ValueError):
    """The bytes are no TFLite model, or use a part of the format that this reader does not know."""


@dataclass
class Tensor:
    name: str
    shape: tuple
    data: np.ndarray | None  # None: computed at run time


@dataclass
class Operator:
    kind: str
    inputs: list
    outputs: list
    options: dict = field(default_factory=dict)


@dataclass
class Model:
    tensors: list
    operators: list
    inputs: list
    outputs: list


class _Reader:
    """Typed access to the fields of one FlatBuffer table."""

    def __init__(self, table):
        self.table = table

    def _offset(self, index):
        return self.table.Offset(4 + 2 * index)

    def scalar(self, index, flags, default=0):
        offset = self._offset(index)
        return self.table.Get(flags, self.table.Pos + offset) if offset else default

    def child(self, index):
        offset = self._offset(index)
        return _Reader(Table(self.table.Bytes, self.table.Indirect(self.table.Pos + offset))) if offset else None

    def string(self, index):
        offset = self._offset(index)
        return self.table.String(self.table.Pos + offset).decode() if offset else ''

    def children(self, index):
        offset = self._offset(index)
        if not offset:
            return []
        start = self.table.Vector(offset)
        return [_Reader(Table(self.table.Bytes, self.table.Indirect(start + 4 * i))) for i in range(self.table.VectorLen(offset))]

    def array(self, index, flags):
        offset = self._offset(index)
        return self.table.GetVectorAsNumpy(flags, offset) if offset else np.empty(0, np.int32)


U8, I8, I32, U32 = (number_types.Uint8Flags, number_types.Int8Flags, number_types.Int32Flags, number_types.Uint32Flags)


def _options(kind, reader):
    if reader is None:
        return {}
    if kind in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
        options = dict(same=reader.scalar(0, I8) == 0, stride=(reader.scalar(2, I32), reader.scalar(1, I32)))
        options['activation'] = ACTIVATION[reader.scalar(3 if kind == 'CONV_2D' else 4, I8)]
        return options
    if kind == 'MAX_POOL_2D':
        return dict(same=reader.scalar(0, I8) == 0, stride=(reader.scalar(2, I32), reader.scalar(1, I32)), window=(reader.scalar(4, I32), reader.scalar(3, I32)))
    if kind == 'ADD':
        return dict(activation=ACTIVATION[reader.scalar(0, I8)])
    return {}


def read_model(data):
    """bytes -> Model of the first subgraph. Raises TfliteError on anything unexpected."""
    if len(data) < 8 or data[4:8] != b'TFL3':
        raise TfliteError('not a TFLite model: the file identifier TFL3 is missing')
    root = _Reader(Table(data, encode.Get(number_types.UOffsetTFlags.packer_type, data, 0)))
    codes = [max(code.scalar(0, I8), code.scalar(3, I32)) for code in root.children(1)]
    buffers = [buffer.array(0, U8) for buffer in root.children(4)]
    graph = root.children(2)[0]
    tensors = []
    for tensor in graph.children(0):
        shape, raw = tuple(int(n) for n in tensor.array(0, I32)), buffers[tensor.scalar(2, U32)]
        dtype = DTYPE.get(tensor.scalar(1, I8))
        if dtype is None:
            raise TfliteError(f'tensor {tensor.string(3)}: unknown element type {tensor.scalar(1, I8)}')
        tensors.append(Tensor(tensor.string(3), shape, np.frombuffer(raw.tobytes(), dtype).reshape(shape) if len(raw) else None))
    operators = []
    for op in graph.children(3):
        code = codes[op.scalar(0, U32)]
        if code not in BUILTIN:
            raise TfliteError(f'operator with builtin code {code} is not supported')
        kind = BUILTIN[code]
        operators.append(Operator(kind, op.array(1, I32).tolist(), op.array(2, I32).tolist(), _options(kind, op.child(4))))
    return Model(tensors, operators, graph.array(1, I32).tolist(), graph.array(2, I32).tolist())
