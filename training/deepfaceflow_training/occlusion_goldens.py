"""What PyTorch makes of inputs that any language can make again, with the shipped occlusion network: for the engine's test."""
import os

import numpy as np
import torch

from . import safetensors
from .occlusion import CHANNELS, load_occlusion_net
from .random_goldens import uniform

SIDE = 56  # of the inputs; the maps have twice as many
BOUND = 0.5
STEP = 2  # of the maps every second row and column is kept, from 0

README = """# Golden of the occlusion network

`golden.safetensors`: `maps` (2, 56, 56) f16, what PyTorch makes of (16, 56, 56) inputs with `weights/occlusion.safetensors`: probabilities that a pixel is hidden and that its flow is right; of the 112x112 px every second
row and column from 0. The inputs are not stored: (2 u('occlusion.inputs', i) - 1) * 0.5 with `u` of `../dffnet-random/README.md`, channel-major. Regenerate after any change of the weights:

    python3 -m deepfaceflow_training occlusion-goldens --weights ../weights/occlusion.safetensors --out ../test/fixtures/occlusion
"""


def write_occlusion_goldens(args, log):
    inputs = ((2 * uniform('occlusion.inputs', CHANNELS * SIDE ** 2) - 1) * BOUND).astype(np.float32).reshape(1, CHANNELS, SIDE, SIDE)
    with torch.no_grad():
        maps = torch.sigmoid(load_occlusion_net(args.weights)(torch.from_numpy(inputs)))[0, :, ::STEP, ::STEP].numpy()
    os.makedirs(args.out, exist_ok=True)
    safetensors.save(os.path.join(args.out, 'golden.safetensors'), dict(maps=maps.astype(np.float16)), dict(weights=os.path.basename(args.weights)))
    with open(os.path.join(args.out, 'README.md'), 'w') as handle:
        handle.write(README)
    log(f'{args.out}: mean {maps.mean((1, 2))}, spread {maps.std((1, 2))}')
