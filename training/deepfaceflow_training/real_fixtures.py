"""`real-baselines`: what can be said of the baselines' flows on the committed real frames, by the definitions of eval/real-metrics.ts."""
import json
import os

import cv2
import numpy as np

from .baselines import Baselines
from .geometry import warp_by_flow
from .real import photometric
from .registered_meshes import registered_meshes
from .regressor import MeshRegressor

METHODS = ('zero', 'mesh difference', 'Farneback, dz = 0', 'DIS + mesh dz', 'DIS from mesh + mesh dz')
_FIRST_INNER_LANDMARK = 17  # those of the jaw lie at the rim of the mesh
_OUTER_EYE_CORNERS = (36, 45)


def _pairs(frames):
    """(a, b, sequence or None) as eval/real-set.ts makes them."""
    for sequence in frames['sequences']:
        first, *later = sequence['frames']
        yield from ((first, b, sequence['name']) for b in later)
    yield from ((a, b, None) for a, b in frames['pairs'])


def _plane(vectors):
    return np.linalg.norm(vectors[..., :2], axis=-1)


def _affine(vectors, inner):
    """The affine motion nearest to vectors (n, k, 2) at the k pixels of a mask."""
    y, x = np.nonzero(inner)
    basis, _ = np.linalg.qr(np.c_[np.ones(len(x)), x, y])
    return basis @ (basis.T @ vectors)


def _landmark_transfer(flow, inner, a, b):
    a, b = (np.reshape(points, (68, 2)).astype(np.float32) for points in (a, b))
    distances = []
    for p, q in list(zip(a, b))[_FIRST_INNER_LANDMARK:]:
        if not inner[int(p[1]), int(p[0])]:
            continue
        step = cv2.remap(flow, np.float32([[p[0] - 0.5]]), np.float32([[p[1] - 0.5]]), cv2.INTER_LINEAR)[0, 0, :2]
        distances.append(np.linalg.norm(p + step - q))
    return np.mean(distances) / np.linalg.norm(np.subtract(*b[list(_OUTER_EYE_CORNERS)]))


def write_real_baselines(args, log):
    """Reads frames.json and the frames of args.out, writes baselines.json there."""
    with open(os.path.join(args.out, 'frames.json')) as handle:
        frames = json.load(handle)
    regressor = MeshRegressor(args.assets)
    images = {name: np.ascontiguousarray(cv2.imread(os.path.join(args.out, name))[..., ::-1]) for name in frames['landmarks']}
    meshes = dict(zip(images, registered_meshes(args.assets).of_images(list(images.values()))))
    classical = Baselines(regressor.canonical)

    def flows(a, b):
        flow_of, mask = classical.flows(images[a], images[b], meshes[a], meshes[b])
        return flow_of, cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0

    errors = {method: dict(residual=[], forwardBackward=[], landmarkTransfer=[], jitter=[], affineJitter=[]) for method in METHODS}
    paths, inner_of = {}, {}
    for a, b, sequence in _pairs(frames):
        (there, inner), (back, inner_b) = flows(a, b), flows(b, a)
        for method, e in errors.items():
            flow = there[method].astype(np.float32)
            e['residual'].append(np.mean([photometric(images[a], images[b], flow, inner), photometric(images[b], images[a], back[method], inner_b)]))
            e['forwardBackward'].append(_plane(flow + warp_by_flow(back[method].astype(np.float32), flow))[inner].mean())
            e['landmarkTransfer'].append(_landmark_transfer(flow, inner, frames['landmarks'][a], frames['landmarks'][b]))
            if sequence:
                paths.setdefault((sequence, method), [np.zeros_like(flow)]).append(flow)
                inner_of[sequence] = inner
    for (sequence, method), path in paths.items():
        path = np.stack(path)
        second = (path[2:] - 2 * path[1:-1] + path[:-2])[:, inner_of[sequence], :2]
        errors[method]['jitter'].append(_plane(second).mean())
        errors[method]['affineJitter'].append(_plane(_affine(second, inner_of[sequence])).mean())
    table = {method: {name: float(np.mean(values)) for name, values in e.items()} for method, e in errors.items()}
    for method, e in table.items():
        log(f'{method}: ' + ', '.join(f'{name} {value:.4f}' for name, value in e.items()))
    with open(os.path.join(args.out, 'baselines.json'), 'w') as handle:
        json.dump(table, handle, indent=1)
        handle.write('\n')
