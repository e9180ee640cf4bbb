"""The safetensors container: 8-byte little-endian length of a JSON header, the header, then the raw tensors."""
import json
import os
import struct

import numpy as np

_NAMES = {'F16': np.float16, 'F32': np.float32, 'U8': np.uint8, 'I32': np.int32}
_CODES = {np.dtype(v): k for k, v in _NAMES.items()}
_ALIGNMENT = 8


def save(path, tensors, metadata=None):
    """tensors: name -> array (f16, f32, u8, i32); metadata: str -> str. Written beside the target and renamed, so a full disk leaves no torn file."""
    header, blobs, offset = {}, [], 0
    if metadata:
        header['__metadata__'] = {str(k): str(v) for k, v in metadata.items()}
    for name, array in tensors.items():
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = dict(dtype=_CODES[array.dtype], shape=list(array.shape), data_offsets=[offset, offset + len(blob)])
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-(8 + len(text)) % _ALIGNMENT)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + '.part', 'wb') as handle:
        handle.write(struct.pack('<Q', len(text)) + text)
        for blob in blobs:
            handle.write(blob)
    os.replace(path + '.part', path)


def load(path):
    """-> (name -> array, metadata)."""
    with open(path, 'rb') as handle:
        data = handle.read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry['data_offsets']
        tensors[name] = np.frombuffer(data[8 + size + start:8 + size + end], _NAMES[entry['dtype']]).reshape(entry['shape'])
    return tensors, metadata
