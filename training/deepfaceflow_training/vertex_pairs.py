"""More pairs for depth from motion than pictures were made of: observed pairs turned further, behind other cameras and on other relief, at the 468 vertices alone.

A picture of a pair costs a tenth of a second, its vertices a microsecond. What mesh and network got wrong on the observed pair is kept; what the head does is
changed: its motion is taken apart into a rotation and the rest, and put together again with a further turn, on relief that the mesh need not know, seen by pinhole cameras.
"""
import numpy as np

from .perspective import random_views
from .photowarp_perspective import PX_PER_METRE
from .regressor import LANDMARKS68

_AT = np.asarray(LANDMARKS68)
_FAR = 1e6  # m, for infinity
RELIEF_SPREAD, TILT_SPREAD, BUMP_SPREAD = 0.07, 2.5, 1.5  # of the true relief about the mesh's: factor, degrees, px of smooth bumps
_BUMPS, _BUMP_REACH = 6, (12.0, 35.0)  # px
TURN_SPREAD = np.array([8.0, 6.0, 2.5])  # further turn, degrees
# By what share of the further turn the mesh difference is off, and how much of that the network's dz shares.
SLOPE_SPREAD, SLOPE_SHARED, SLOPE_OWN = 0.15, 0.8, 0.07
_TURNED_WHOLLY = 0.15  # of the pairs keep nothing of their own rotation and expression: a pure rigid turn


def rotations(degrees):
    """(n, 3) yaw, pitch, roll -> (n, 3, 3), as `geometry.rotation`."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.deg2rad(degrees)).T, np.sin(np.deg2rad(degrees)).T
    zero, one = np.zeros_like(cy), np.ones_like(cy)
    stack = lambda *rows: np.stack([np.stack(row, -1) for row in rows], -2)
    about_y = stack((cy, zero, sy), (zero, one, zero), (-sy, zero, cy))
    about_x = stack((one, zero, zero), (zero, cp, -sp), (zero, sp, cp))
    about_z = stack((cr, -sr, zero), (sr, cr, zero), (zero, zero, one))
    return about_z @ about_x @ about_y


def rigid_part(source, target, weights):
    """Rotation (n, 3, 3) that best brings source (n, k, 3), about its middle, onto target; middles are weighted means."""
    w = weights[..., None] / weights.sum(1).clip(1e-9)[:, None, None]
    a, b = source - (source * w).sum(1, keepdims=True), target - (target * w).sum(1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum('nki,nkj->nij', b * w, a))
    u[..., -1] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return u @ vt


def _lift(points, distance, offset):
    """`perspective.lift` of (n, k, 3) by n cameras."""
    centre = distance[:, None] * np.c_[offset, np.ones(len(offset))]
    length = np.linalg.norm(centre, axis=1)
    rays = np.concatenate([points[..., :2] / distance[:, None, None] + offset[:, None], np.ones_like(points[..., :1])], -1)
    along = (points[..., 2] + length[:, None]) / (np.einsum('nkj,nj->nk', rays, centre) / length[:, None])
    return rays * along[..., None] - centre[:, None]


def _project(points, distance, offset):
    """`perspective.project` of (n, k, 3) about the origin by n cameras."""
    centre = distance[:, None] * np.c_[offset, np.ones(len(offset))]
    placed = points + centre[:, None]
    plane = distance[:, None, None] * (placed[..., :2] / placed[..., 2:] - offset[:, None])
    depth = np.einsum('nkj,nj->nk', points, centre) / np.linalg.norm(centre, axis=1)[:, None]
    return np.concatenate([plane, depth[..., None]], -1)


def _registered(points, goal):
    """(n, k, 3) moved by the similarities that bring their landmarks to goal (n, 68, 2); z zero at the landmarks' mean."""
    source = points[:, _AT, :2]
    s, t = source - source.mean(1, keepdims=True), goal - goal.mean(1, keepdims=True)
    norm = (s ** 2).sum((1, 2))
    a, b = (s * t).sum((1, 2)) / norm, (s[..., 0] * t[..., 1] - s[..., 1] * t[..., 0]).sum(1) / norm
    linear = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], -2)
    plane = (points[..., :2] - source.mean(1, keepdims=True)) @ linear.transpose(0, 2, 1) + goal.mean(1, keepdims=True)
    return np.concatenate([plane, (np.hypot(a, b)[:, None] * (points[..., 2] - points[:, _AT, 2].mean(1, keepdims=True)))[..., None]], -1)


def _relief(g, mesh):
    """Depth (n, 468) that the face may truly have where the mesh network says mesh (n, 468, 3): zero at the landmarks' mean."""
    n, plane = len(mesh), mesh[..., :2] - mesh[:, _AT, :2].mean(1, keepdims=True)
    depth = mesh[..., 2] * (1 + g.normal(0, RELIEF_SPREAD, (n, 1)))
    depth = depth + np.einsum('nkj,nj->nk', plane, np.tan(np.deg2rad(g.normal(0, TILT_SPREAD, (n, 2)))))
    for _ in range(_BUMPS):
        centre, reach = g.uniform(-60, 60, (n, 1, 2)), g.uniform(*_BUMP_REACH, (n, 1))
        depth = depth + g.normal(0, BUMP_SPREAD, (n, 1)) * np.exp(-((plane - centre) ** 2).sum(-1) / (2 * reach ** 2))
    return depth - depth[:, _AT].mean(1, keepdims=True)


def turned_further(g, seen):
    """Observations (see `depth_training.observe`) of orthographic pairs -> as many others, by the generator g."""
    mesh_a, mesh_b, motion, truth = (seen[name].astype(np.float64) for name in ('mesh_a', 'mesh_b', 'motion', 'truth'))
    known = seen['weight'] > 0
    truth = np.where(known[..., None], truth, motion)  # nothing is learned there, but it must move along
    n, middle = len(mesh_a), mesh_a[:, _AT, :2].mean(1, keepdims=True)
    first = np.concatenate([mesh_a[..., :2] - middle, _relief(g, mesh_a)[..., None]], -1)
    own = rigid_part(first, first + truth, seen['weight'] + 1e-6)
    second = first + truth
    rest = (second - second[:, _AT].mean(1, keepdims=True)) @ own - first
    only_turned = g.random(n) < _TURNED_WHOLLY
    rest[only_turned], own[only_turned] = 0, np.eye(3)
    views = [random_views(g) for _ in range(n)]
    distance = PX_PER_METRE * np.array([[min(view.distance, _FAR) for view in pair] for pair in views])
    offset = np.array([[view.offset for view in pair] for pair in views])
    space = _lift(first, distance[:, 0], offset[:, 0]) + rest
    space = (space - space[:, _AT].mean(1, keepdims=True)) @ (rotations(g.normal(0, TURN_SPREAD, (n, 3))) @ own).transpose(0, 2, 1)
    # Registered where the pair's second frame was: the plane of its landmarks stays what it is.
    goal = (second[:, _AT, :2] + middle)
    seen_b = _registered(_project(space, distance[:, 1], offset[:, 1]), goal)
    moved = np.concatenate([seen_b[..., :2] - mesh_a[..., :2], (seen_b[..., 2] - first[..., 2])[..., None]], -1)
    further = moved - truth
    slope = g.normal(0, SLOPE_SPREAD, (n, 1, 1))
    mesh_error = mesh_b - mesh_a - truth + slope * further
    error = motion - truth
    error[..., 2] += ((SLOPE_SHARED * slope + g.normal(0, SLOPE_OWN, (n, 1, 1))) * further)[..., 2]
    out = dict(seen, mesh_b=(mesh_a + moved + mesh_error).astype(np.float32))
    out['motion'], out['truth'] = ((moved + e).astype(np.float32) for e in (error, 0))
    return out


def reversed_pairs(seen):
    """The pairs from B to A: a point of the face moves back, seen from the mesh of B. Off by what the meshes miss of the motion, a px or two of place."""
    return dict(seen, mesh_a=seen['mesh_b'], mesh_b=seen['mesh_a'], motion=-seen['motion'], truth=-seen['truth'])
