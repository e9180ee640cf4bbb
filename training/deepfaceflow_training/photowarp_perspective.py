"""Photo-warp pairs through a camera at a finite distance, and photos that turn rigidly on their own mesh.

A photo is taken for what a camera at the drawn distance saw: its fitted mesh is lifted along the rays, turned in space and projected again. The head that this
makes is not quite the morphable model's, which is welcome."""
import cv2
import numpy as np

from .camera import develop, develop_clean
from .geometry import SIZE, compose, fit_similarity, rotation, warp_affine
from .light import lit, random_light
from .pairs import Pair, ground_truth, meshes_of
from .perspective import View, lift, project, random_views
from .photowarp import SUPERSAMPLING, PhotoWarpPairs, jitter
from .regressor import LANDMARKS68
from .rendered_perspective import kind_of_motion
from .template import DRAFT_ROI, PX_PER_UNIT
from .textures import Fit

_RELIEF, _SPREAD = (0.9, 1.1), (9.0, 6.0, 3.0)  # in training: factor on the depth of the mesh; spread of the turn, degrees
PX_PER_METRE = 100 * PX_PER_UNIT  # of the template, for a head of mean size: a unit of the model is a centimetre


def moved(vertices, landmarks, turn, views):
    """Vertices px as the first view (distance in px) shows them, turned about the middle of the landmarks by `turn`, as the second shows them."""
    space = lift(vertices - vertices[landmarks].mean(0), views[0]) @ np.asarray(turn, np.float64).T
    seen = project(space, space[landmarks].mean(0), views[1])
    return seen.astype(np.float32)


class PerspectivePhotoWarpPairs(PhotoWarpPairs):
    def _expression(self, g, fit):
        self._rigid, self._still = kind_of_motion(g)
        return fit.expression if self._rigid else super()._expression(g, fit)

    def _turned(self, g, va, fit, target, turn):
        views = [view.scaled(PX_PER_METRE) for view in random_views(g)]
        if self._still:
            return va
        # The second expression as the first camera would show it unturned, in px of the template.
        at, plain = self.model.landmarks, Fit(fit.identity, target, fit.turn, fit.scale, fit.shift).vertices(self.model)
        scale = fit_similarity(plain[at, :2].astype(np.float64), va[at, :2].astype(np.float64))[1]
        # The turn is about the fit's own axes, its roll about the template's: near enough for a random one.
        return moved(plain * scale, at, turn @ fit.turn.T, views)


class FixedView:
    """For evaluation: both frames from one place."""

    def __init__(self, distance, angle=0.0):
        self.view = View(distance, (float(np.tan(np.deg2rad(angle))), 0.0))

    def __call__(self, g):
        return self.view, self.view


VIEWS = {'far': FixedView(np.inf), '800': FixedView(0.8), '500': FixedView(0.5), '400': FixedView(0.4), 'side': FixedView(0.5, 20.0)}  # names of evaluation levels


class TurnedPairs(PhotoWarpPairs):
    """Photos that turn rigidly on the mesh that the package's network draws over them: geometry that is neither model's, and nothing but a pose that changes.

    All views of evaluation draw the same photos and turns (`stream`)."""

    def __init__(self, material, varied=False, vivid=False, views=None):
        super().__init__(material, varied, vivid)
        self.views, self.stream = views or random_views, 'turned' if views else None
        self.model = MeshAsModel(material.regressor.canonical, self.model.template)
        self.traced = self.model.traced

    def _attempt(self, g, clean):
        index, big = g.integers(len(self.material.names)), SIZE * SUPERSAMPLING
        photo, register_a = self.material.photo(index), compose(jitter(g), self.material.registrations[index])
        picture_a = warp_affine(photo, SUPERSAMPLING * register_a, big, cv2.BORDER_REFLECT).astype(np.float32)
        va = self.material.regressor([warp_affine(photo, register_a, SIZE)], [DRAFT_ROI])[0]
        relief, delta = self._drawn(g)
        va[:, 2] = (va[:, 2] - va[LANDMARKS68, 2].mean()) * relief
        views = [view.scaled(PX_PER_METRE) for view in self.views(g)]
        vb = self._registered(picture_a, va, moved(va, LANDMARKS68, rotation(*delta), views))
        images = [picture_a, self._move(picture_a, va, vb, SUPERSAMPLING)[0]]
        if clean:
            pictures = develop_clean(images)
        else:
            light = random_light(g, big, rendered=False)
            pictures = develop(g, [lit(image, light, frame) for frame, image in enumerate(images)])
        flow, state = ground_truth(self.model, va, vb, self.traced, [])
        unknown = np.full((68, 3), np.nan, np.float32)  # these landmarks are what the package's network drew
        return Pair(*pictures, flow, state, *meshes_of(pictures, self.material), np.r_[np.zeros(3), delta].astype(np.float32), unknown, unknown)

    def _drawn(self, g):
        """-> (factor on the depth of the mesh, turn in degrees)."""
        if self.stream is None:
            return g.uniform(*_RELIEF), g.normal(0, _SPREAD)
        sideways, sign = g.random() < 0.6, g.choice([-1, 1])
        return 1.0, sign * np.array([13.0, 0, 0] if sideways else [0, 9.0, 0])


class MeshAsModel:
    """The mesh network's 468 vertices where a morphable model is wanted."""

    def __init__(self, canonical, template):
        self.triangles = np.ascontiguousarray(canonical.triangles, np.int32)
        self.landmarks, self.template = np.asarray(LANDMARKS68), template
        self.traced = np.ones(len(self.triangles), np.uint8)
        self.skin_triangles = np.arange(len(self.triangles), dtype=np.int32)
