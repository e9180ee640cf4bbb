"""Level 2, *photo-warp*: a real photo and the same photo after a change of pose and expression, moved along a fitted mesh.

In the *varied* form the first frame is moved too: to another identity and, often, another pose. Otherwise every photo comes with one shape, its fit, which
networks learn by heart: they judge new pairs of photos trained on better than other people's (EXPERIMENTS.md)."""
import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from .camera import develop, develop_clean
from .expressions import random_expression, second_expression, vivid_expression
from .geometry import SIZE, apply_similarity, compose, fit_similarity, rotation, warp_affine
from .light import lit, random_light, sidelight_change
from .morphable import TEETH
from .pairs import Pair, RegistrationFailed, ground_truth, meshes_of, register_as_product
from .rasteriser import Raster, vertex_normals
from .scene import composite, floating_occluder
from .textures import Fit, push_pull

SUPERSAMPLING = 2
_FALLOFF = 90.0  # supersampled px over which the face's motion dies out around it
_ATTEMPTS = 10
_VARIED_SHARE, _IDENTITY_CHANGE, _POSE_CHANGE = 0.8, 0.5, (8.0, 5.0, 2.0)  # of pairs; of the identity's coefficients; yaw, pitch, roll, degrees
_REGISTRATION_JITTER = (0.008, 0.008, 0.5)  # rad, log scale, px: spread between the plain network's registration and the product's


class PhotoWarpPairs:
    def __init__(self, material, varied=False, vivid=False):
        self.material, self.model, self.varied, self.vivid = material, material.model, varied, vivid
        # The inside of the mouth is not on the photo, so it carries no flow.
        self.traced = np.ascontiguousarray((self.model.traced > 0) & (self.model.part != TEETH), np.uint8)

    def make(self, g, clean=False):
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt(g, clean)
            except RegistrationFailed:
                continue
        raise RegistrationFailed(f'no registrable photo in {_ATTEMPTS} attempts')

    def _attempt(self, g, clean):
        model, big = self.model, SIZE * SUPERSAMPLING
        index = g.integers(len(self.material.names))
        fit = Fit.unpack(self.material.fits[index], len(model.identity))
        photo = self.material.photo(index)
        size = g.choice([3.0, 7.0, 12.0], p=[0.45, 0.35, 0.2])
        delta = np.clip(g.normal(0, [size, size * 0.6, size * 0.4]), -22, 22)
        target = self._expression(g, fit)
        register_a = compose(jitter(g), self.material.registrations[index])
        scale_a = float(np.hypot(*register_a[:, 0]))
        va = apply_similarity(register_a, scale_a, fit.vertices(model))
        picture_a = warp_affine(photo, SUPERSAMPLING * register_a, big, cv2.BORDER_REFLECT).astype(np.float32)
        if self.varied and g.random() < _VARIED_SHARE:
            identity = fit.identity + g.normal(0, _IDENTITY_CHANGE, len(fit.identity))
            turn = rotation(*g.normal(0, _POSE_CHANGE)) @ fit.turn if g.random() < 0.5 else fit.turn
            fit = Fit(identity, fit.expression, turn, fit.scale, fit.shift)
            other = self._registered(picture_a, va, fit.vertices(model))
            picture_a, va = self._move(picture_a, va, other, SUPERSAMPLING)[0], other
        turn_b = rotation(*delta) @ fit.turn
        vb = self._registered(picture_a, va, self._turned(g, va, fit, target, turn_b))
        picture_b, raster_b = self._move(picture_a, va, vb, SUPERSAMPLING, g.uniform(0.4, 1.4))
        images, layers = [picture_a, picture_b], []
        if not clean:
            light = random_light(g, big, rendered=False)
            images[1] = images[1] * self._sidelight(g, raster_b, vb)
            images = [lit(image, light, frame) for frame, image in enumerate(images)]
            if g.random() < 0.2:
                layers = [floating_occluder(g, big, self.material.backgrounds)]
            pictures = develop(g, [composite(image, layers, frame) for frame, image in enumerate(images)])
        else:
            pictures = develop_clean(images)
        flow, state = ground_truth(model, va, vb, self.traced, layers)
        mesh_a, mesh_b = meshes_of(pictures, self.material)
        pose = np.concatenate([_angles(fit.turn), _angles(turn_b)]).astype(np.float32)
        return Pair(*pictures, flow, state, mesh_a, mesh_b, pose, va[model.landmarks], vb[model.landmarks])

    def _expression(self, g, fit):
        return second_expression(g, self.model, fit.expression, 0.12, 0.6 if self.vivid else 0.3, vivid_expression if self.vivid else random_expression)

    def _turned(self, g, va, fit, target, turn):
        """Vertices of B, in any px: the fit with the expression `target`, turned."""
        return Fit(fit.identity, target, turn, fit.scale, fit.shift).vertices(self.model)

    def _registered(self, picture, va, moved):
        """The vertices `moved`, registered as the product would register the picture of A moved there."""
        at = self.model.landmarks
        to_a, scale = fit_similarity(moved[at, :2].astype(np.float64), va[at, :2].astype(np.float64))
        vertices = apply_similarity(to_a, scale, moved)
        draft = self._move(cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA), va, vertices, 1)[0]
        return register_as_product([np.clip(draft, 0, 255).astype(np.uint8)], [vertices], self.material)[1][0]

    def _move(self, picture, va, vb, scale, darkness=1.0):
        """Picture of A (side 224 * scale, float) seen through the motion va -> vb: backward sampling along the mesh, fading out around it."""
        model, side = self.model, picture.shape[0]
        raster = Raster(vb, model.triangles, side, scale, model.skin_triangles)
        seen = raster.covered.astype(np.float32)
        on_face = scale * raster.interpolate(va - vb)[..., :2]
        at = model.landmarks
        matrix, _ = fit_similarity(vb[at, :2].astype(np.float64), va[at, :2].astype(np.float64))
        y, x = (np.mgrid[:side, :side] + 0.5).astype(np.float32)
        here = np.stack([x, y], -1)
        far = (scale * (here / scale @ matrix[:, :2].T + matrix[:, 2]) - here).astype(np.float32)
        residual = push_pull((on_face - far) * seen[..., None], seen, 7)
        distance = cv2.distanceTransform(1 - seen.astype(np.uint8), cv2.DIST_L2, 3) * (SUPERSAMPLING / scale)
        around = far + cv2.GaussianBlur(residual, (0, 0), 3 * scale) * np.exp(-distance / _FALLOFF)[..., None]
        back = np.where(seen[..., None] > 0, on_face, around).astype(np.float32)
        out = cv2.remap(picture, x - 0.5 + back[..., 0], y - 0.5 + back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        inner_lips = at[60:68]
        hole = np.zeros((side, side), np.uint8)
        cv2.fillPoly(hole, [np.int32(vb[inner_lips, :2] * scale)], 255)
        opened = cv2.GaussianBlur(((hole > 0) & (seen == 0)).astype(np.float32), (0, 0), 0.75 * scale)[..., None]
        inside = np.array([52, 24, 24], np.float32) * darkness
        return out * (1 - opened) + inside * opened, raster

    def _sidelight(self, g, raster, vertices):
        normals = raster.interpolate(vertex_normals(vertices, self.model.triangles))
        return 1 + cv2.GaussianBlur(sidelight_change(g, normals)[..., 0] - 1, (0, 0), 4)[..., None]


def jitter(g):
    """A small similarity about the middle of the template, 2x3."""
    angle, log_scale = g.normal(0, _REGISTRATION_JITTER[:2])
    c, s = np.exp(log_scale) * np.cos(angle), np.exp(log_scale) * np.sin(angle)
    linear = np.array([[c, -s], [s, c]])
    centre = np.full(2, SIZE / 2)
    return np.c_[linear, centre - linear @ centre + g.normal(0, _REGISTRATION_JITTER[2], 2)]


def _angles(turn):
    """yaw, pitch, roll in degrees of R = Rz Rx Ry."""
    roll, pitch, yaw = Rotation.from_matrix(turn).as_euler('ZXY', degrees=True)
    return np.array([yaw, pitch, roll])
