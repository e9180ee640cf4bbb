"""Level 1, *rendered*: random heads with photo-derived skin under random pose, expression, light, occluders and camera.

In the *varied* form most heads wear the skin of two people, one's here and the other's there: more looks than there are photos."""
import cv2
import numpy as np

from .camera import develop, develop_clean
from .expressions import random_expression, random_gaze, random_poses, second_expression, vivid_expression
from .geometry import SIZE, rotation
from .light import lit, random_light
from .pairs import Pair, RegistrationFailed, check_meshes, ground_truth, meshes_of, register_as_product
from .rasteriser import Raster, shade, vertex_normals
from .scene import background_pair, composite, eye_texture, floating_occluder, glasses_layer, glasses_points, hair_layer, hair_points
from .template import DRAFT_ROI

SUPERSAMPLING = 2
IDENTITY_SPREAD = 0.85
_ATTEMPTS = 10
_VARIED_SHARE, _PATCHES, _TRANSITION = 0.7, (2, 3, 4), 0.35  # of heads; cells along a side of the noise that mixes two skins; its width in deviations
# px that the mesh network's landmarks may lie off the head's, on the draft and on the final frames (occluders mislead it more): beyond that
# it has not found the face, which the product's detector would have.
_DRAFT_LIMIT, _FINAL_LIMIT = 10.0, 14.0


class RenderedPairs:
    def __init__(self, material, varied=False, vivid=False):
        self.material, self.model, self.varied, self.vivid = material, material.model, varied, vivid

    def make(self, g, clean=False):
        """One pair from the generator g; clean: no occluder, constant light, ideal camera (to check the ground truth)."""
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt(g, clean)
            except RegistrationFailed:
                continue
        raise RegistrationFailed(f'no registrable head in {_ATTEMPTS} attempts')

    def _attempt(self, g, clean):
        model, big = self.model, SIZE * SUPERSAMPLING
        shapes, poses = self._heads(g)
        with_glasses, with_hair = g.random() < 0.15, g.random() < 0.3
        extras = [np.concatenate([glasses_points(model, v), hair]) for v, hair in zip(shapes, self._hair(g, shapes))]
        placed = self._placed(g, [np.concatenate([v, extra]) for v, extra in zip(shapes, extras)], poses)
        look = self._appearance(g)
        light = random_light(g, big)
        lamps = (light.lamps[0],) * 2 if clean else light.lamps
        gloss = light.gloss * 0 if clean else light.gloss
        backgrounds = background_pair(g, big, self.material.backgrounds)
        count = len(model.mean)
        drafts = [self._render(v[:count], SIZE, look, l, gloss, cv2.resize(b, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
                  for v, l, b in zip(placed, lamps, backgrounds)]
        _, placed = register_as_product([np.clip(d, 0, 255).astype(np.uint8) for d in drafts], placed, self.material, model.landmarks, _DRAFT_LIMIT)
        images = [self._render(v[:count], big, look, l, gloss, b) for v, l, b in zip(placed, lamps, backgrounds)]
        layers = [] if clean else self._layers(g, placed, look, with_glasses, with_hair, big)
        images = [composite(image, layers, frame) for frame, image in enumerate(images)]
        if clean:
            pictures = develop_clean(images)
        else:
            pictures = develop(g, [lit(image, light, frame) for frame, image in enumerate(images)])
        va, vb = (v[:count] for v in placed)
        flow, state = ground_truth(model, va, vb, model.traced, layers)
        # By the package's network, so that tuning ours changes no pair.
        check_meshes(self.material.regressor(pictures, [DRAFT_ROI] * 2), placed, model.landmarks, _FINAL_LIMIT)
        mesh_a, mesh_b = meshes_of(pictures, self.material)
        return Pair(*pictures, flow, state, mesh_a, mesh_b, np.concatenate(poses).astype(np.float32), va[model.landmarks], vb[model.landmarks], va, vb)

    def _heads(self, g):
        """-> (vertices of both frames in the head's directions, their poses)."""
        model = self.model
        identity = g.normal(0, IDENTITY_SPREAD, len(model.identity))
        poses, gazes = random_poses(g), random_gaze(g)
        expressions = self._expressions(g)
        return [model.turn_eyes(model.shape(identity, e), gaze[0], -gaze[1]) for e, gaze in zip(expressions, gazes)], poses

    def _expressions(self, g):
        draw = vivid_expression if self.vivid else random_expression
        first = draw(g, self.model)
        return first, second_expression(g, self.model, first, draw=draw)

    def _placed(self, g, shapes, poses):
        """The vertices of both frames in template px, by the head's own landmarks."""
        return [self.model.register(v, rotation(*pose)) for v, pose in zip(shapes, poses)]

    def _hair(self, g, shapes):
        """The same strands on both shapes: drawn once, carried by the second head's forehead only through the pose."""
        points = hair_points(g, self.model, shapes[0])
        return points, points

    def _skin(self, g):
        return self.material.textures[g.choice(len(self.material.textures), p=self.material.weights)]

    def _appearance(self, g):
        texture = self._skin(g)
        if self.varied and g.random() < _VARIED_SHARE:
            texture = mixed(g, texture, self._skin(g))
        if g.random() < 0.5:
            texture = np.ascontiguousarray(texture[:, ::-1])
        skin = texture[100:156:4, 100:156:4].reshape(-1, 3).mean(0)
        hair = skin * g.uniform(0.25, 1) if g.random() < 0.7 else np.full(3, g.uniform(20, 90))
        colours = np.array([skin, hair, [120, 50, 45], np.array([225, 215, 200]) * g.uniform(0.75, 1.05)], np.float32)
        return dict(texture=texture, eye=eye_texture(g), colours=colours)

    def _render(self, vertices, size, look, lamps, gloss, background):
        raster = Raster(vertices, self.model.triangles, size, size / SIZE)
        normals = vertex_normals(vertices, self.model.triangles)
        return shade(raster, self.model, normals, look['texture'], look['eye'], look['colours'], lamps, gloss, background)

    def _layers(self, g, placed, look, with_glasses, with_hair, size):
        count, rims, layers = len(self.model.mean), 50, []
        pixels = [v[count:] * SUPERSAMPLING for v in placed]
        if with_glasses:
            layers.append(glasses_layer(g, size, [p[:rims] for p in pixels]))
        if with_hair:
            layers.append(hair_layer(g, size, [p[rims:] for p in pixels], look['colours'][1] * g.uniform(0.5, 1)))
        if g.random() < 0.22:
            layers.append(floating_occluder(g, size, self.material.backgrounds))
        return layers


def mixed(g, first, second):
    """Two uv textures (h, w, 3) u8 mixed by smooth noise, symmetric in half of the cases; the second is first brought to the first's mean colour."""
    cells, size = g.choice(_PATCHES), first.shape[0]
    noise = cv2.resize(g.normal(0, 1, (cells + 1, cells + 1)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if g.random() < 0.5:
        noise = noise + noise[:, ::-1]
    share = 1 / (1 + np.exp(-noise / (_TRANSITION * noise.std())))[..., None]
    gain = (first.reshape(-1, 3).mean(0) + 1) / (second.reshape(-1, 3).mean(0) + 1)
    return np.clip(first * share + second * gain * (1 - share), 0, 255).astype(np.uint8)
