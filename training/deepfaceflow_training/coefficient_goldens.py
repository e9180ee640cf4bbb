"""What PyTorch makes of two registered frames with the shipped coefficient network: for the engine's test, which is fed frames and meshes."""
import json
import os

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import safetensors
from .coefficient_net import CROPS, MIRRORED, MIRRORED_POSE, POSE_UNIT, CoefficientNet, crop_matrix, mesh_tensor, state_of
from .geometry import SIZE
from .registered_meshes import frame_tensor, mirrored_vertices

PAIR = 'pair1'
README = """# Goldens of the coefficient network

`golden.safetensors`: 3DMeshReg's `meshes` (2, 468, 3) of the frames `../dffnet/pair1-1.png` and `-2.png`, and what PyTorch makes of both with `weights/coefficients.safetensors`, frame and
mirror image averaged: `coefficients` and `confidence` (3, 51) of the first frame, of the second, of the second against the first at rest; `pose` (3, 3), degrees. Regenerate after any change of the weights:

    python3 -m deepfaceflow_training coefficient-goldens --assets FACE_MESH_PACKAGE --weights ../weights/coefficients.safetensors --frames ../test/fixtures/dffnet --out ../test/fixtures/coefficients
"""


def load_coefficient_net(path):
    """The network of a weight file, normalisation already folded."""
    state = state_of(path)
    net = CoefficientNet(len(state['mesh.bias'])).eval()
    for look in (net.eyes, net.mouth):
        look.fold()
    net.load_state_dict(state)
    return net


def exact_crop(frames, name):
    """(n, 3, 224, 224) in [0, 1] -> (n, 3, rows, columns) in [-1, 1], bilinear as the engine samples, which rounds neither places nor levels as OpenCV does."""
    _, _, _, columns, rows = CROPS[name]
    x, y = torch.meshgrid(torch.arange(columns) + 0.5, torch.arange(rows) + 0.5, indexing='xy')
    (sx, _, left), (_, sy, top) = crop_matrix(name)
    places = torch.stack([sx * x + left, sy * y + top], -1).float() / (SIZE / 2) - 1
    return 2 * F.grid_sample(frames, places[None].expand(len(frames), -1, -1, -1), align_corners=False) - 1


def write_coefficient_goldens(args, canonical, log=print):
    net, order = load_coefficient_net(args.weights), mirrored_vertices(canonical).numpy()
    golden, _ = safetensors.load(os.path.join(args.frames, f'{PAIR}.safetensors'))
    meshes = np.stack([golden['mesh_a'], golden['mesh_b']]).astype(np.float32)
    frames = np.stack([cv2.imread(os.path.join(args.frames, f'{PAIR}-{i}.png'))[..., ::-1] for i in (1, 2)])
    rows = []
    with torch.no_grad():
        for mirrored in (False, True):
            shown, own = frames, meshes
            if mirrored:
                shown, own = frames[:, :, ::-1], meshes[:, order].copy()
                own[..., 0] = SIZE - own[..., 0]
            f = net.features(mesh_tensor(own), *(exact_crop(frame_tensor(np.ascontiguousarray(shown)), name) for name in CROPS))
            values, logits, pose = net.head(f[[0, 1, 1]], f[[0, 0, 0]], torch.tensor([[0.0], [0.0], [1.0]]))
            rows.append([values[:, MIRRORED], logits[:, MIRRORED], pose * torch.tensor(MIRRORED_POSE)] if mirrored else [values, logits, pose])
    values, logits, pose = (sum(x) / 2 for x in zip(*rows))
    os.makedirs(args.out, exist_ok=True)
    found = dict(meshes=meshes, coefficients=values.clamp(0, 1).numpy(), confidence=torch.sigmoid(logits).numpy(), pose=POSE_UNIT * pose.numpy())
    safetensors.save(os.path.join(args.out, 'golden.safetensors'), {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}, dict(names=json.dumps([PAIR])))
    with open(os.path.join(args.out, 'README.md'), 'w') as handle:
        handle.write(README)
    log(args.out)
