"""How well the mesh network does on registered frames, against its own result on MediaPipe's region of the whole photo."""
import json
import os

import numpy as np

from .geometry import SIZE, apply_similarity, warp_affine
from .regressor import MeshRegressor, register
from .template import load_template
from .textures import read_photo

EVERY = 6  # photos used: every sixth
SIDES, ROWS, COLUMNS = (200, 208, 216, 224, 232, 240, 256), (112, 116, 120, 124, 128), (112,)


def _errors(found, reference):
    difference = found - reference
    plane = np.linalg.norm(difference[..., :2], axis=2)
    difference[..., 2] -= difference[..., 2].mean(1, keepdims=True)
    return plane.mean(), np.linalg.norm(difference, axis=2).mean(), np.percentile(plane.mean(1), 90)


def study_roi(material, landmarks_path, assets, log):
    """Prints mean vertex distances (template px; in space with the mean depth removed) for a grid of regions."""
    regressor, template = MeshRegressor(assets), load_template()
    with open(landmarks_path) as handle:
        landmarks = json.load(handle)
    names = sorted(landmarks)[1::EVERY]
    frames, references = [], []
    for name in names:
        photo = read_photo(os.path.join(material, 'faces', name))
        mesh, _ = regressor.track(photo, np.array(landmarks[name]['pts'], np.float32))
        matrix, scale = register(mesh, template.landmarks)
        frames.append(warp_affine(photo, matrix, SIZE))
        references.append(apply_similarity(matrix, scale, mesh))
    references = np.array(references)
    for side in SIDES:
        for cy in ROWS:
            for cx in COLUMNS:
                roi = (cx, cy, side, 0.0)
                found = np.concatenate([regressor(frames[i:i + 16], [roi] * len(frames[i:i + 16])) for i in range(0, len(frames), 16)])
                log('side %d centre %d, %d: in the plane %.2f, in space %.2f, 90th percentile %.2f px' % (side, cx, cy, *_errors(found, references)))
