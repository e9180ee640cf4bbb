"""A scanned head that turns rigidly, for evaluation alone: real geometry and real skin, which no model and no training had a part in.

The material is `scanned_head.json` (`decode-scan.mjs`) and its colours `scanned_head.jpg`, square. Poses, light, backgrounds, occluders and cameras are random; all views
draw the same pairs (`stream`)."""
import json
import os

import numpy as np

from .geometry import SIZE
from .morphable import FACE
from .perspective import random_views
from .rasteriser import Raster, shade, vertex_normals
from .regressor import LANDMARKS68, MissingMaterial
from .rendered_perspective import PerspectivePairs
from .template import DRAFT_ROI
from .textures import read_photo

_TURN = ([6.0, 4.0, 2.0], [16.0, 9.0, 4.0])  # least and largest turn of an evaluated pair about one axis (the others less), degrees
_ROUNDS = 3


class ScannedHead:
    """See `SecondModel`: the last 68 vertices are landmarks, where the mesh network finds them on the head seen from the front."""

    def __init__(self, folder, first, regressor):
        try:
            with open(os.path.join(folder, 'scanned_head.json')) as handle:
                data = json.load(handle)
        except OSError as error:
            raise MissingMaterial(f'{error}. --material must hold the scanned head, see training/README.md.') from error
        raw = np.array(data['v'], np.float64).reshape(-1, 3) * [1, -1, -1]
        self.triangles = np.ascontiguousarray(np.array(data['t']).reshape(-1, 3), np.int32)
        self.uv, self.triangle_uv = np.ascontiguousarray(np.array(data['uv']).reshape(-1, 2), np.float32), self.triangles
        self.part = np.full(len(self.triangles), FACE, np.uint8)
        self.traced = np.ones(len(self.triangles), np.uint8)
        self.skin_triangles = np.arange(len(self.triangles), dtype=np.int32)
        self.skin = np.ascontiguousarray(read_photo(os.path.join(folder, 'scanned_head.jpg')))
        self.template = first.template
        self.landmarks = len(raw) + np.arange(68)
        self.eyes = [self.landmarks[36:42], self.landmarks[42:48]]
        goal = first.mean[first.landmarks].astype(np.float64)
        # From a guess (the head fills the frame) to where the landmarks lie.
        vertices = raw * (np.ptp(first.mean[:, 1]) / np.ptp(raw[:, 1]))
        vertices += goal.mean(0) - [vertices[:, 0].mean(), np.percentile(vertices[:, 1], 45), vertices[:, 2].min()]
        for _ in range(_ROUNDS):
            points = self._found(vertices, first, regressor)
            scale = np.linalg.norm((goal - goal.mean(0))[:, :2]) / np.linalg.norm((points - points.mean(0))[:, :2])
            vertices = (vertices - points.mean(0)) * scale + goal.mean(0)
        self.mean = np.concatenate([vertices, self._found(vertices, first, regressor)]).astype(np.float32)

    def _found(self, vertices, first, regressor):
        """The 68 landmarks (68, 3) of the head, by the package's network."""
        seen = np.c_[vertices[:, :2] * 9.6 + [SIZE / 2, SIZE / 2 + 12], vertices[:, 2] * 9.6].astype(np.float32)
        raster, normals = Raster(seen, self.triangles, SIZE), vertex_normals(seen, self.triangles)
        light, plain = np.r_[np.full(3, 0.7), 0, -0.3, -0.95, np.full(3, 0.4)], np.zeros((4, 3), np.float32)
        picture = shade(raster, self, normals, self.skin, self.skin, plain, light, np.zeros(2), np.full((SIZE, SIZE, 3), 128))
        mesh = regressor([np.clip(picture, 0, 255).astype(np.uint8)], [DRAFT_ROI])[0]
        x, y = np.clip(mesh[LANDMARKS68, :2].astype(int), 0, SIZE - 1).T
        owner, weights = raster.owner[y, x], raster.weights[y, x]
        points = (vertices[self.triangles[owner]] * np.c_[weights, 1 - weights.sum(1)][..., None]).sum(1)
        off = owner < 0  # beside the jaw: at the silhouette's depth
        points[off] = np.c_[(mesh[LANDMARKS68, :2][off] - [SIZE / 2, SIZE / 2 + 12]) / 9.6, np.full(off.sum(), np.median(points[~off][:17, 2]) if (~off).any() else 0)]
        return points


class ScannedPairs(PerspectivePairs):
    def __init__(self, material, varied=False, vivid=False, views=None):
        super().__init__(material, False)
        self.model = ScannedHead(material.folder, material.model, material.regressor)
        self.views, self.stream = views or random_views, 'scanned'

    def _heads(self, g):
        a = g.uniform(-1, 1, 3) * [12, 8, 6]
        low, high = _TURN
        turn = g.uniform(low, high) * g.choice([-1, 1], 3) * ([1, 0.3, 0.3] if g.random() < 0.6 else [0.3, 1, 0.3])
        return [self.model.mean] * 2, (a, a + turn)

    def _placed(self, g, shapes, poses):
        return self._seen(shapes, poses, self.views(g))

    def _appearance(self, g):
        look = super()._appearance(g)
        return dict(look, texture=self.model.skin)

