"""Heads of a second model, MakeHuman's base mesh and targets (CC0), behind what the generators use of `MorphableModel`: their geometry owes nothing to ICT-FaceKit.

Read from `makehuman_head.npz`. The head is brought to the first model's landmarks by scale and shift, so that places told in its units fit both; its skin is the first model's,
carried over by the 468 points that the mesh network finds on both."""
import os

import numpy as np
from scipy.interpolate import RBFInterpolator

from .expressions import lid_closures, lip_kind
from .geometry import SIZE, rotation
from .morphable import FACE, HEAD_NECK, LEFT_EYE, MOUTH_SOCKET, RIGHT_EYE, TEETH
from .rasteriser import Raster
from .regressor import MissingMaterial

_PARTS = (FACE, LEFT_EYE, RIGHT_EYE, TEETH, TEETH, MOUTH_SOCKET)  # of the file: skin, eyes, upper and lower teeth, tongue
_IRIS = 0.25  # of the eye texture's width for a radius of the eyeball
_DETAILS = ('head', 'nose', 'mouth', 'eyes', 'chin', 'cheek', 'forehead', 'eyebrows', 'asym')
_DETAIL_COUNT, _DETAIL_SIZE = 18, 0.55
_RACES = ('african', 'asian', 'caucasian')
_CAVITY = (0.5, 5.0)  # units behind the skin between which lies the inside of the mouth
DEPTH = (1.0, 1.25)  # factor on the relief, which is shallower than that of real heads


class SecondModel:
    """See `MorphableModel` for the attributes. The last 68 vertices are the landmarks, which lie between those of the mesh."""

    def __init__(self, folder, first, places):
        """first: MorphableModel; places: (468, 2) uv of the mesh network's vertices in its texture, nan where unknown."""
        path = os.path.join(folder, 'makehuman_head.npz')
        try:
            data = np.load(path)
        except OSError as error:
            raise MissingMaterial(f'{path}: {error}. --material must name the folder that holds both head models.') from error
        flip = np.array([1, -1, -1], np.float64)
        raw = data['vertices'] * flip
        self._corners, self._weights, self._landmarks = data['map468_tri'].astype(int), data['map468_bary'][..., None].astype(np.float64), data['lm68'].astype(int)
        goal, own = first.mean[first.landmarks].astype(np.float64), self._points(raw)[self._landmarks]
        scale = np.linalg.norm((goal - goal.mean(0))[:, :2]) / np.linalg.norm((own - own.mean(0))[:, :2])
        self.base = (raw - own.mean(0)) * scale + goal.mean(0)
        self.names = [str(name) for name in data['target_names']]
        self.index = {name: i for i, name in enumerate(self.names)}
        self._starts, self._indices = data['target_start'], data['target_index'].astype(int)
        self._deltas = data['target_delta'] * flip * scale
        self.triangles = np.ascontiguousarray(data['tri'], np.int32)
        self.landmarks = len(raw) + np.arange(68)
        self.mean = self._with_landmarks(self.base)
        self.eyes = [np.where(data['vert_part'] == part)[0] for part in (1, 2)]
        self.template = first.template
        self._uv(data, places, first)
        self.traced = np.ascontiguousarray(self.part != MOUTH_SOCKET, np.uint8)
        self.skin_triangles = np.where(np.isin(self.part, (FACE, HEAD_NECK, LEFT_EYE, RIGHT_EYE)))[0].astype(np.int32)
        pick = lambda test: [name for name in self.names if test(name)]
        self._macros = pick(lambda n: n.startswith('macrodetails/') and 'universal' not in n and 'baby' not in n)
        self._universal = pick(lambda n: 'universal' in n and 'baby' not in n)
        self._details = pick(lambda n: n.split('/')[0] in _DETAILS)
        self._units = {race: pick(lambda n: n.startswith(f'expression/units/{race}/') and 'platysma' not in n) for race in _RACES}

    def _points(self, vertices):
        """The 468 points of the mesh network on these vertices."""
        return (vertices[self._corners] * self._weights).sum(1)

    def _with_landmarks(self, vertices):
        return np.concatenate([vertices, self._points(vertices)[self._landmarks]]).astype(np.float32)

    def _uv(self, data, places, first):
        """Parts of the triangles, and uv of the vertices: the skin's in the first model's texture, the eyes' seen from the front."""
        points, known = self._points(self.base), ~np.isnan(places).any(1)
        axis = self.base[:, 2].mean()
        around = lambda v: np.c_[np.arctan2(v[:, 0], axis - v[:, 2]) * 8, v[:, 1]]  # unrolled about the head's axis, as a texture is
        carried = RBFInterpolator(around(points[known]), places[known], kernel='thin_plate_spline', smoothing=0.1)
        uv = np.zeros((len(self.mean), 2), np.float32)
        uv[:len(self.base)] = np.clip(carried(around(self.base)), 0.01, 0.99)
        for eye in self.eyes:
            low, high = self.base[eye].min(0), self.base[eye].max(0)
            radius = (high - low)[0] / 2
            uv[eye] = 0.5 + (self.base[eye][:, :2] - (low + high)[:2] / 2) / radius * _IRIS * [1, -1]
        self.uv, self.triangle_uv = uv, self.triangles
        part = np.array(_PARTS, np.uint8)[data['tri_part']]
        middle = uv[self.triangles].mean(1)
        texels = np.clip((np.c_[middle[:, 0], 1 - middle[:, 1]] * 256).astype(int), 0, 255)
        face = face_texels(first)[texels[:, 1], texels[:, 0]]
        part[(part == FACE) & ~face] = HEAD_NECK
        lips = points[self._landmarks][48:60]
        centre, reach = lips.mean(0), np.ptp(lips, axis=0)
        where = self.base[self.triangles].mean(1)
        near = (np.abs(where - centre)[:, :2] < reach[:2] * [0.55, 1.2]).all(1)
        front = Raster((self.base - centre) * 8 + SIZE / 2, self.triangles, SIZE).depth
        x, y = ((where - centre)[near, :2] * 8 + SIZE / 2).astype(int).T
        behind = np.zeros(len(part))
        behind[near] = (where - centre)[near, 2] - (front[y, x] - SIZE / 2) / 8
        part[(behind > _CAVITY[0]) & (behind < _CAVITY[1]) & (part == FACE)] = MOUTH_SOCKET
        self.part = np.ascontiguousarray(part)

    def shape(self, weights):
        """weights: target name -> weight. -> vertices (n, 3) float32."""
        vertices = self.base.copy()
        for name, weight in weights.items():
            own = slice(*self._starts[[self.index[name], self.index[name] + 1]])
            vertices[self._indices[own]] += weight * self._deltas[own]
        return self._with_landmarks(vertices)

    def turn_eyes(self, vertices, yaw, pitch):
        turn, out = rotation(yaw, pitch, 0), vertices.copy()
        for eye in self.eyes:
            centre = (vertices[eye].min(0) + vertices[eye].max(0)) / 2
            out[eye] = (vertices[eye] - centre) @ turn.T + centre
        return out

    def random_identity(self, g):
        """A mix of three origins, ages and sexes, some weight or muscle, and details of the face."""
        weights = dict(zip(g.choice(self._macros, 3, replace=False), g.dirichlet(np.full(3, 0.7))))
        weights[g.choice(self._universal)] = g.uniform(0, 0.8)
        for name in g.choice(self._details, _DETAIL_COUNT, replace=False):
            weights[name] = g.uniform(0, _DETAIL_SIZE)
        return weights

    def random_expression(self, g, strength=1.0):
        """A few units of one origin's set; lids close in a third, mouths open in half of them."""
        race = g.choice(_RACES)
        unit = lambda name: f'expression/units/{race}/{name}'
        weights = {}
        if g.random() < 0.35:
            closed = g.uniform(0.2, 1)
            weights[unit('eye-left-closure')], weights[unit('eye-right-closure')] = np.clip(closed + g.normal(0, 0.05, 2), 0, 1) * strength
        if g.random() < 0.5:
            weights[unit('mouth-open')] = g.uniform(0.1, 0.8) * strength
        others = [name for name in self._units[race] if 'closure' not in name and not name.endswith('/mouth-open')]
        for name in g.choice(others, g.integers(1, 5), replace=False):
            weights[name] = g.uniform(0.2, 0.8) * strength
        return weights

    def vivid_expression(self, g):
        """The same with lids that often close fully and lips that often press, purse or open wide."""
        weights = self.random_expression(g)
        race = g.choice(_RACES)
        unit = lambda name: f'expression/units/{race}/{name}'
        without = lambda *words: {name: weight for name, weight in weights.items() if not any(word in name.split('/')[-1] for word in words)}
        closures, lips = lid_closures(g), lip_kind(g)
        if closures is not None:
            weights = without('eye-')
            weights[unit('eye-left-closure')], weights[unit('eye-right-closure')] = np.clip(closures, 0, 1)
        if lips:
            weights = without('mouth-')
            weights[unit({'pressed': 'mouth-compression', 'pursed': 'mouth-pursing', 'open': 'mouth-open'}[lips])] = g.uniform(0.5, 1)
        return weights


def face_texels(model):
    """(256, 256) bool: where the first model's texture holds the face."""
    texels = np.c_[model.uv[:, 0] * 256, (1 - model.uv[:, 1]) * 256, np.zeros(len(model.uv))].astype(np.float32)
    return Raster(texels, model.triangle_uv, 256, subset=np.where(model.part == FACE)[0].astype(np.int32)).covered


def places_in_texture(model, meshes, vertices, size):
    """uv (468, 2) in the model's texture of the mean of `meshes` (k, 468, 3), found on pictures of the head `vertices` (n, 3) px; nan off the face."""
    raster, mesh = Raster(vertices, model.triangles, size), np.mean(meshes, axis=0)
    x, y = np.clip(mesh[:, :2].astype(int), 0, size - 1).T
    owner, weights = raster.owner[y, x], raster.weights[y, x]
    weights = np.c_[weights, 1 - weights.sum(1)]
    uv = (model.uv[model.triangle_uv[owner]] * weights[..., None]).sum(1)
    return np.where(((owner >= 0) & (model.part[owner] == FACE))[:, None], uv, np.nan)
