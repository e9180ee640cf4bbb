"""Pinhole cameras near a head: where its points appear, and how far they lie along the ray to the face.

Selfies are taken at 0.3 to 0.5 m, webcams see faces at 0.5 to 0.8 m. There a turn of the head moves what is near more than what is far, which an
orthographic model of the camera takes for more turn, and a face off the optical axis shows a side that its pose does not account for.

Units are those of the points. A projected point is (x, y, z): x and y as a picture in which the plane of the face has scale 1, z its distance beyond the
middle of the 68 landmarks, measured along the ray to that middle. At an infinite distance that is (x, y, z) of the point itself.
"""
from dataclasses import dataclass

import numpy as np

from .geometry import fit_similarity

EYES_APART = 0.09  # m between the outer corners of the eyes of a grown head: what turns metres into units
NEAREST, FARTHEST = 0.3, 3.0  # m
LARGEST_OFFSET = 0.36  # tangent of the angle off the optical axis, each way
_ORTHOGRAPHIC_SHARE = 0.2
_OFFSET_SPREAD = 0.12
_UNLIKE_SHARE = 0.1  # of the pairs whose frames were taken by two cameras
_DISTANCE_DRIFT, _OFFSET_DRIFT = 0.08, 0.04  # of the same camera: log of the distance, tangent


@dataclass(frozen=True)
class View:
    """A camera seen from the face: distance of the landmarks' middle along the optical axis (inf: orthographic), and the tangents of its direction."""
    distance: float = np.inf
    offset: tuple = (0.0, 0.0)

    def scaled(self, units):
        """The same with the distance in other units."""
        return View(self.distance * units, self.offset)

    @property
    def centre(self):
        return self.distance * np.array([*self.offset, 1.0])


def random_view(g):
    """A camera at a distance in m, most of them near."""
    if g.random() < _ORTHOGRAPHIC_SHARE:
        return View()
    distance = np.exp(g.uniform(np.log(NEAREST), np.log(FARTHEST)))
    return View(float(distance), _clipped(g.normal(0, _OFFSET_SPREAD, 2)))


def random_views(g):
    """Cameras of both frames, m: mostly one, from which the head moves a little away."""
    first = random_view(g)
    if g.random() < _UNLIKE_SHARE:
        return first, random_view(g)
    drift, shift = np.exp(g.normal(0, _DISTANCE_DRIFT)), g.normal(0, _OFFSET_DRIFT, 2)
    return first, View(float(max(first.distance * drift, NEAREST)), _clipped(np.array(first.offset) + shift))


def _clipped(offset):
    return tuple(float(v) for v in np.clip(offset, -LARGEST_OFFSET, LARGEST_OFFSET))


def project(points, middle, view):
    """points (n, 3) about a head whose landmarks have their mean at `middle` (3,) -> (n, 3), `middle` at the origin; float64."""
    local = np.asarray(points, np.float64) - middle
    if np.isinf(view.distance):
        return local
    centre = view.centre
    placed = local + centre
    plane = view.distance * (placed[:, :2] / placed[:, 2:] - view.offset)
    return np.c_[plane, local @ centre / np.linalg.norm(centre)]


def seen_rotation(turn, view):
    """The head's turn (3, 3) against the ray to it, which is what a picture of the head alone shows, from its turn in the camera's directions."""
    ray = np.array([*view.offset, 1.0]) / np.linalg.norm([*view.offset, 1.0])
    x, y, z = ray
    # The shortest turn that brings the ray to the optical axis.
    back = np.array([[1 - x * x / (1 + z), -x * y / (1 + z), -x], [-x * y / (1 + z), 1 - y * y / (1 + z), -y], [x, y, z]])
    return back @ turn


def lift(projected, view):
    """The points (n, 3), about the landmarks' middle, that `project` shows at (n, 3)."""
    projected = np.asarray(projected, np.float64)
    if np.isinf(view.distance):
        return projected.copy()
    centre = view.centre
    length = np.linalg.norm(centre)
    rays = np.c_[projected[:, :2] / view.distance + view.offset, np.ones(len(projected))]
    return rays * ((projected[:, 2] + length) / (rays @ centre / length))[:, None] - centre


def place(points, landmarks, view, template):
    """Points in camera directions, seen through `view` (distance in their units) and brought to the template by their own 68 landmarks.

    landmarks: indices of the 68; template (68, 2) px. -> (n, 3) float32 px, z zero at the landmarks' mean and in the px of the face's plane."""
    seen = project(points, np.asarray(points, np.float64)[landmarks].mean(0), view)
    matrix, scale = fit_similarity(seen[landmarks, :2], template)
    depth = seen[:, 2] - seen[landmarks, 2].mean()
    return np.c_[seen[:, :2] @ matrix[:, :2].T + matrix[:, 2], scale * depth].astype(np.float32)


def roll_of(points, landmarks, view, placed):
    """Degrees by which a similarity in the picture turned what `view` shows of the points into `placed` (n, 3), clockwise."""
    seen = project(points, np.asarray(points, np.float64)[landmarks].mean(0), view)
    matrix, _ = fit_similarity(seen[:, :2], np.asarray(placed, np.float64)[:, :2])
    return np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))


def units_per_metre(points, landmarks):
    """Of a head whose eyes are as far apart as those of a grown head."""
    outer = np.asarray(points)[np.asarray(landmarks)[[36, 45]]]
    return float(np.linalg.norm(outer[0] - outer[1]) / EYES_APART)
