"""The template frame shared with the product: weights/template.json (see its `description` and training/README.md)."""
import json
import os
from dataclasses import dataclass

import numpy as np

from .geometry import SIZE

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(REPOSITORY, 'weights', 'template.json')

# Region (cx, cy, side, angle) of a registered frame on which the package's mesh network does best, by `regressor-roi` (figures in training/README.md).
# The generators register their drafts by it, so that the tuned network changes no pair.
DRAFT_ROI = (112.0, 120.0, 224.0, 0.0)
# What the tuned network sees: tighter, for a larger face; it was already better there before it was tuned there (EXPERIMENTS.md).
REGRESSOR_ROI = dict(cx=112.0, cy=120.0, side=208.0)
PX_PER_UNIT, CHIN_ROW = 9.6, 198.0  # scale of the mean head in the template, and the row of its chin (landmark 8)

DESCRIPTION = (
    'Template frame of 224x224 px, pixel centres at integer + 0.5, x right, y down, z away from the camera. '
    'landmarks68: where registration brings the 68 landmarks (iBUG order), least-squares similarity. '
    'regressorRoi: centre and side (template px) of the unturned square that the 468-vertex mesh network sees on a registered frame, '
    'resampled to 192x192, black outside. ncc: per-axis box of the canonical 468-vertex face in this frame (cm); '
    'PNCC colour of a vertex = (canonical - min) / (max - min).')


@dataclass
class Template:
    landmarks: np.ndarray  # (68, 2) px
    roi: tuple  # (cx, cy, side, angle = 0)


def load_template(path=PATH):
    with open(path) as handle:
        data = json.load(handle)
    roi = data['regressorRoi']
    return Template(np.array(data['landmarks68'], np.float64), (roi['cx'], roi['cy'], roi['side'], 0.0))


def mean_landmarks(mean_vertices, landmark_vertices):
    """Template landmarks (68, 2) px from the mean head (n, 3), frontal view."""
    points = mean_vertices[landmark_vertices][:, :2].astype(np.float64)
    return np.c_[SIZE / 2 + PX_PER_UNIT * points[:, 0], CHIN_ROW + PX_PER_UNIT * (points[:, 1] - points[8, 1])]


def write_template(landmarks, canonical, path=PATH):
    """Write template.json from the landmarks (68, 2) and the canonical mesh's box."""
    data = dict(
        version=1, size=SIZE, landmarks68=[[round(float(v), 4) for v in p] for p in landmarks], regressorRoi=REGRESSOR_ROI,
        ncc=dict(min=[round(float(v), 6) for v in canonical.low], max=[round(float(v), 6) for v in canonical.high]), description=DESCRIPTION)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as handle:
        json.dump(data, handle, indent=1)
        handle.write('\n')
