"""Rendered pairs that are not orthographic pictures of one morphable model: cameras near the head, relief and regions changed, heads of a second model.

What training on one model under one camera learns of depth does not carry over (EXPERIMENTS.md). An eighth of the pairs or so turn rigidly and a few do
not move at all: where nothing but the pose changes, all of dz must be the turn."""
import numpy as np

from .expressions import POSE_LIMITS, random_expression, random_gaze, random_poses, second_expression, vivid_expression
from .geometry import SIZE, rotation
from .perspective import place, random_views, units_per_metre
from .rasteriser import Raster, shade, vertex_normals
from .rendered import IDENTITY_SPREAD, RenderedPairs
from .reshaping import random_reshape
from .scene import eye_texture
from .second_model import DEPTH, SecondModel, places_in_texture
from .template import DRAFT_ROI

_WIDE_SHARE, _WIDE_FIRST, _WIDE_MOTION = 0.5, (18.0, 10.0, 8.0), (22.0, 12.0, 10.0)  # pairs that turn as much as two photos do; degrees, uniform
_RIGID_SHARE, _STILL_SHARE, _QUIET_SHARE = 0.2, 0.03, 0.4
_SKINS_LOOKED_AT = 8


def turning_poses(g):
    """(yaw, pitch, roll) of both frames, degrees: those of the orthographic pairs, and wider turns."""
    if g.random() >= _WIDE_SHARE:
        return random_poses(g)
    a = g.uniform(-1, 1, 3) * _WIDE_FIRST
    return a, np.clip(a + g.uniform(-1, 1, 3) * _WIDE_MOTION, -POSE_LIMITS, POSE_LIMITS)


def kind_of_motion(g):
    """-> (rigid, still)."""
    draw = g.random()
    return draw < _RIGID_SHARE + _STILL_SHARE, draw < _STILL_SHARE


class PerspectivePairs(RenderedPairs):
    """Heads of the first model with another relief, seen through a camera at a finite distance."""

    def _heads(self, g):
        model = self.model
        self._rigid, self._still = kind_of_motion(g)
        identity = g.normal(0, IDENTITY_SPREAD, len(model.identity))
        draw = vivid_expression if self.vivid else random_expression
        first, gazes = draw(g, model), random_gaze(g)
        second = first if self._rigid else second_expression(g, model, first, draw=draw)
        gazes = (gazes[0],) * 2 if self._rigid else gazes
        reshape = random_reshape(g, model.mean, model.landmarks)
        return [reshape(model.turn_eyes(model.shape(identity, e), gaze[0], -gaze[1])) for e, gaze in zip((first, second), gazes)], self._poses(g)

    def _poses(self, g):
        poses = turning_poses(g)
        return (poses[0],) * 2 if self._still else poses

    def _placed(self, g, shapes, poses):
        views = random_views(g)
        return self._seen(shapes, poses, (views[0],) * 2 if self._still else views)

    def _seen(self, shapes, poses, views):
        """views: the cameras of both frames, m."""
        model = self.model
        units = units_per_metre(model.mean, model.landmarks)
        return [place(v @ rotation(*pose).T, model.landmarks, view.scaled(units), model.template) for v, pose, view in zip(shapes, poses, views)]


class SecondModelPairs(PerspectivePairs):
    """Heads of the second model with skin of the photos."""

    def __init__(self, material, varied=False, vivid=False):
        super().__init__(material, varied, vivid)
        self.model = SecondModel(material.folder, material.model, _places(material))

    def _heads(self, g):
        model = self.model
        self._rigid, self._still = kind_of_motion(g)
        identity = model.random_identity(g)
        first = model.random_expression(g, 0.4) if g.random() < _QUIET_SHARE else {}
        draw = model.vivid_expression if self.vivid else model.random_expression
        second = first if self._rigid else draw(g) if g.random() < 0.8 else {}
        gazes = random_gaze(g)
        gazes = (gazes[0],) * 2 if self._rigid else gazes
        shapes = [model.turn_eyes(model.shape({**identity, **e}), gaze[0], -gaze[1]) for e, gaze in zip((first, second), gazes)]
        if g.random() < 0.5:
            shapes = shapes[::-1]
        middle, factors = model.mean[model.landmarks].mean(0), np.array([1, 1, g.uniform(*DEPTH)])
        return [((v - middle) * factors + middle).astype(np.float32) for v in shapes], self._poses(g)


def _places(material):
    """Where the mesh network's vertices lie in the first model's texture: seen on its mean head under several skins."""
    model, g = material.model, np.random.default_rng(0)
    vertices = model.register(model.mean, rotation(0, 0, 0))
    raster, normals = Raster(vertices, model.triangles, SIZE), vertex_normals(vertices, model.triangles)
    light, gloss = np.r_[np.full(3, 0.7), 0, -0.3, -0.95, np.full(3, 0.4)], np.zeros(2)
    colours = np.float32([[150, 120, 100], [60, 50, 40], [120, 50, 45], [225, 215, 200]])
    pictures = [shade(raster, model, normals, material.textures[i], eye_texture(g), colours, light, gloss, np.full((SIZE, SIZE, 3), 128))
                for i in np.linspace(0, len(material.textures) - 1, _SKINS_LOOKED_AT).astype(int)]
    meshes = material.regressor([np.clip(p, 0, 255).astype(np.uint8) for p in pictures], [DRAFT_ROI] * len(pictures))
    return places_in_texture(model, np.array(meshes), vertices, SIZE)
