"""Goldens with pseudo-random weights and inputs that any language can make again: they test an engine without trained weights.

The formula is documented for readers of the fixtures in the README that this module writes beside them.
"""
import os
from functools import partial

import numpy as np
import torch

from . import safetensors
from .geometry import SIZE
from .nets import SLOPE, DFFNet, UpConv

WIDTHS = {'dffnet-a0375': 0.375, 'dffnet-a1': 1.0}
BIAS_BOUND = 0.05
PREDICT_GAIN = 0.5
LARGE_STEPS = {112: 2, 224: 4}  # maps larger than 56 are stored subsampled, from row and column 1

README = """# DFFNet with pseudo-random weights

PyTorch f32 outputs of the three-input DFFNet (prior 0) at a = 0.375 and a = 1 on one 224x224 pair. Weights and inputs are not stored: they
come from an integer hash. Written by `python3 -m deepfaceflow_training random-goldens --out test/fixtures/dffnet-random`.

## Formula

All integer arithmetic is modulo 2^32 (`Math.imul`, `>>> 0`).

    fnv1a(name):   h = 2166136261; for each byte b of the name: h = (h xor b) * 16777619
    mix(x):        x ^= x >>> 16; x *= 0x7feb352d; x ^= x >>> 15; x *= 0x846ca68b; x ^= x >>> 16
    u(name, i):    (mix(fnv1a(name) + i * 0x9e3779b9) >>> 8) / 2^24                 in [0, 1)
    value(name, i, bound) = fround((2 u(name, i) - 1) * bound)                      product in double precision

`name` is the state-dict key (`conv1.weight`, `up.0.bias`, ...), `i` the flat row-major index in PyTorch's layout (convolution O I h w,
transposed convolution I O h w).

| tensor | bound |
|---|---|
| convolution weight | sqrt(6 / (1.01 * I * kh * kw)) |
| weight of `up.*` | sqrt(6 / (1.01 * 4 * I)) |
| weight of `predict.*` | 0.5 * sqrt(3 / (I * 9)) |
| any bias | 0.05 |

Inputs are (3, 224, 224), channel-major: `i1` and `i2` are value('input.i1' / 'input.i2', i, 1), already normalised colours; the PNCC is
u('input.pncc', i).

## Files

`dffnet-a0375.safetensors`, `dffnet-a1.safetensors`: `flow0` (coarsest, 4x4) .. `flow6` (224x224), f32, (3, h, w), network units (20 px). The two
largest are subsampled, row and column 1, 1 + s, 1 + 2 s, ... with s = 2 for `flow5` (112) and s = 4 for `flow6`; `flow6.top` (3, 224) is row 0
and `flow6.right` (3, 224) is column 223 of the full result. `stats.<layer>` = [mean, mean |x|, max |x|] of the layer's output after its
activation (`stats.corr` after LeakyReLU), for finding the first layer that differs; layers run on I1 and I2 together (`conv1..3`) cover both, `up.*` is taken before it is cropped to its skip.
"""


def _hash(name):
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def uniform(name, count):
    """u(name, 0 .. count - 1) as float64 in [0, 1)."""
    x = (np.uint64(_hash(name)) + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float64) / 2 ** 24


def _values(name, shape, bound):
    return torch.from_numpy(((2 * uniform(name, int(np.prod(shape))) - 1) * bound).astype(np.float32).reshape(shape))


def _bound(name, shape):
    if name.endswith('.bias'):
        return BIAS_BOUND
    if name.startswith('up.'):
        return (6 / ((1 + SLOPE ** 2) * 4 * shape[0])) ** 0.5
    fan_in = shape[1] * shape[2] * shape[3]
    return PREDICT_GAIN * (3 / fan_in) ** 0.5 if name.startswith('predict.') else (6 / ((1 + SLOPE ** 2) * fan_in)) ** 0.5


def random_network(a):
    net = DFFNet(a, 0)
    net.load_state_dict({name: _values(name, tuple(v.shape), _bound(name, v.shape)) for name, v in net.state_dict().items()})
    return net.eval()


def random_inputs():
    shape = (3, SIZE, SIZE)
    pncc = torch.from_numpy(uniform('input.pncc', 3 * SIZE * SIZE).astype(np.float32).reshape(shape))
    return [_values('input.i1', shape, 1.0)[None], _values('input.i2', shape, 1.0)[None], pncc[None]]


def _statistics(net):
    """Hooks that collect [mean, mean |x|, max |x|] of every layer; the correlation is what enters conv3_1 first."""
    found = {}

    def note(name, x):
        found['stats.' + name] = np.array([x.mean(), x.abs().mean(), x.abs().max()], np.float32)

    def hook(name, module, inputs, output):
        note(name, output.double())
        if name == 'conv3_1':
            note('corr', inputs[0][:, :(2 * DFFNet.RADIUS + 1) ** 2].double())
    for name, module in net.named_modules():
        if isinstance(module, (torch.nn.Conv2d, UpConv)):
            module.register_forward_hook(partial(hook, name))
    return found


def write_random_goldens(folder, log):
    os.makedirs(folder, exist_ok=True)
    for name, a in WIDTHS.items():
        net = random_network(a)
        tensors = _statistics(net)
        with torch.no_grad():
            flows = [flow[0].numpy() for flow in net(*random_inputs())]
        for number, flow in enumerate(flows):
            step = LARGE_STEPS.get(flow.shape[1], 1)
            tensors[f'flow{number}'] = flow if step == 1 else flow[:, 1::step, 1::step]
        tensors['flow6.top'], tensors['flow6.right'] = flows[6][:, 0], flows[6][:, :, -1]
        path = os.path.join(folder, name + '.safetensors')
        safetensors.save(path, tensors, dict(network=name, a=a, prior=0, first_weights=', '.join(f'{v:.9g}' for v in net.conv1.weight.flatten()[:4].tolist())))
        log(f'{path}: mean |flow| by scale ' + ' '.join(f'{np.abs(f).mean():.3f}' for f in flows))
    with open(os.path.join(folder, 'README.md'), 'w') as handle:
        handle.write(README)
