"""What simple methods read of coefficients, beside the network: zero, least squares on the mesh, the same with gradient features of the registered picture."""
import os

import cv2
import numpy as np

from .coefficient_net import mesh_tensor
from .coefficient_heads import PICTURES
from .coefficient_pictures import Pictures
from .coefficient_training import moving, ridge, table
from .regressor import GEOMETRY_BYTES, CanonicalMesh, read_assets

_SIDE, _REGION = 96, (8, 208 / 96)  # px of the picture that gradients are taken of; its corner and step in the registered frame
_HOG = cv2.HOGDescriptor((_SIDE, _SIDE), (16, 16), (8, 8), (8, 8), 9)
_COMPONENTS = 400


def _gradients(frames):
    corner, step = _REGION
    matrix = np.array([[step, 0, corner + step / 2 - 0.5], [0, step, corner + step / 2 - 0.5]])
    grey = lambda frame: cv2.cvtColor(cv2.warpAffine(frame, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), cv2.COLOR_RGB2GRAY)
    return np.stack([_HOG.compute(grey(frame)).ravel() for frame in frames]).astype(np.float32)


def _features(pictures, kind):
    """(persons, 8, d)."""
    meshes = mesh_tensor(pictures.fields['meshes'][:len(pictures)].reshape(-1, 468, 3)).numpy().reshape(len(pictures), PICTURES, -1)
    if kind == 'mesh':
        return meshes
    return np.concatenate([meshes, np.stack([_gradients(pictures.frames[i]) for i in range(len(pictures))])], 2)


def _flat(features):
    return features.reshape(-1, features.shape[-1])


def _relative(features):
    return np.concatenate([features, features - features[:, :1]], 2)


def study_coefficients(args, log=print):
    canonical = CanonicalMesh(read_assets(args.assets)[slice(*GEOMETRY_BYTES)])
    train = Pictures(args.sets, canonical)
    tests = {os.path.basename(folder.rstrip('/')): Pictures([folder], canonical) for folder in args.tests}
    goal = moving(train.targets(np.arange(len(train))).numpy())
    log(f'{len(train)} persons')
    for kind in ('mesh', 'mesh and gradients'):
        own, other = _features(train, kind), {name: _features(pictures, kind) for name, pictures in tests.items()}
        for form, of in (('absolute', lambda x: x), ('relative', _relative)):
            x = moving(_flat(of(own)))
            scale = x.std(0) + 1e-3
            mean = x.mean(0)
            whitened = (x - mean) / scale
            values, vectors = np.linalg.eigh(whitened.T @ whitened / len(x))
            basis = (vectors[:, ::-1][:, :_COMPONENTS] / scale[:, None]).astype(np.float32)
            weights, bias = ridge((x - mean) @ basis, goal, 1.0)
            for name, features in other.items():
                found = np.clip((moving(_flat(of(features))) - mean) @ basis @ weights + bias, 0, 1)
                figures = table(found, moving(tests[name].targets(np.arange(len(tests[name]))).numpy()))
                log(f'{kind}, {form}, {name}: r {figures["r"]:.3f} gain {figures["gain"]:.2f} MAE {figures["mae"]:.4f} (zero {figures["zero"]:.4f})')
