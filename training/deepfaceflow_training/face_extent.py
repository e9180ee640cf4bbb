"""`fit-extent`: the face beyond the mesh, as rings of vertices that are weighted sums of the mesh's.

The 468 vertices end on the forehead and, where a head is turned, before the ears. Rings about them go on over the forehead to the hair line, over the temples to the ears and
below the jaw. An added vertex is one sum of the mesh's vertices, with weights that add up to 1, in all three axes: so it turns, shifts and scales with the mesh, and the same sum
carries motions on. The weights are a ridge regression on both: places of the morphable model's surface on rendered heads, and true motions of pairs at what a finished network
says of the mesh's vertices, so that they rely on no vertex more than its flow can be relied on.
"""
import numpy as np
import torch

from . import safetensors
from .depth import joined_inputs, load_depth
from .depth_training import observations
from .encoding import encode
from .evaluation import load_network
from .geometry import SIZE
from .morphable import FACE, HEAD_NECK
from .nets import FLOW_UNIT
from .pairs import HIDDEN, VISIBLE
from .registered_meshes import mirrored_vertices
from .shards import PairSet, generator_for

# The mesh's rim, from the top of the forehead to the right of an unmirrored picture; vertex i and vertex -i mirror each other.
RIM = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
       152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
RINGS = 3
HAIR_LINE = 0.75  # height of the forehead above the brows in distances from brows to the base of the nose
SLOPE = 0.3  # of the forehead: how far it lies back at the hair line, in the same
MARGIN = np.radians(3)  # seen from the middle of the head, beyond the hair line, the ears and the jaw
STILL = range(17, 48)  # landmarks: brows, nose, eyes
RIDGE, PLACE_WEIGHT = 1e3, 0.3
LEAST_SEEN = 0.8  # share of the pairs in which a vertex must show its motion for others to be told by it
FARTHEST = 30.0  # px: true motions beyond what the rim does that are another surface's
_KEYS = ('mesh_a', 'mesh_b', 'motion', 'seen')


def hair_line(landmarks, count=47):
    """Points (count, 3) of an arc over the forehead from ear to ear, of 68 landmarks (68, 3); x right, y down, z away from the viewer."""
    brows = landmarks[[19, 24]].mean(0)
    up = brows - landmarks[33]
    back = np.cross(landmarks[16] - landmarks[0], up)
    back *= np.sign(back[2]) / np.linalg.norm(back)
    top = brows + HAIR_LINE * (up + SLOPE * np.linalg.norm(up) * back)
    middle = (landmarks[0] + landmarks[16]) / 2
    angle = np.linspace(0, np.pi, count + 2)[1:-1, None]
    return middle + np.cos(angle) * (landmarks[16] - middle) + np.sin(angle) * (top - middle)


class _Directions:
    """Directions from the middle of a head: angle about the line of sight (0 upwards), and off it."""

    def __init__(self, landmarks):
        self.middle = (landmarks[0] + landmarks[16]) / 2

    def of(self, points):
        rays = points - self.middle
        return np.arctan2(rays[:, 0], -rays[:, 1]), np.arccos(-rays[:, 2] / np.linalg.norm(rays, axis=1))

    @staticmethod
    def rays(around, off):
        return np.stack([np.sin(off) * np.sin(around), -np.sin(off) * np.cos(around), -np.cos(off)], 1)


def _first_hits(vertices, triangles, origins, rays, outermost):
    """The surface point of each ray: (index of a triangle, weights of its corners), nan weights where there is none; the last along the ray if outermost, else the first."""
    a, b, c = (vertices[triangles[:, corner]].astype(np.float64) for corner in range(3))
    first, second = b - a, c - a
    found = []
    for origin, ray in zip(origins, rays):
        across = np.cross(ray, second)
        area = (first * across).sum(1)
        usable = np.abs(area) > 1e-9
        inverse = 1 / np.where(usable, area, 1)
        offset = origin - a
        u = inverse * (offset * across).sum(1)
        along = np.cross(offset, first)
        v = inverse * (along @ ray)
        t = inverse * (second * along).sum(1)
        inside = np.where(usable & (u >= -1e-6) & (v >= -1e-6) & (u + v <= 1 + 1e-6) & (t > 0))[0]
        if not len(inside):
            found.append((0, np.full(3, np.nan)))
            continue
        best = inside[t[inside].argmax() if outermost else t[inside].argmin()]
        found.append((best, np.array([1 - u[best] - v[best], u[best], v[best]])))
    return np.array([index for index, _ in found]), np.array([weights for _, weights in found])


def _mean_rim(model, meshes, heads):
    """Where the rim of the mesh lies on the model's mean head: (36, 3), in its units."""
    at, places = model.landmarks[list(STILL)], []
    goal = model.mean[at].astype(np.float64)
    for mesh, head in zip(meshes, heads):
        seen = head[at].astype(np.float64)
        u, s, w = np.linalg.svd((seen - seen.mean(0)).T @ (goal - goal.mean(0)))
        sign = np.array([1, 1, np.sign(np.linalg.det(u @ w))])
        scale = (s * sign).sum() / ((goal - goal.mean(0)) ** 2).sum()
        places.append((mesh[RIM] - seen.mean(0)) @ (u * sign @ w) / scale + goal.mean(0))
    return np.mean(places, axis=0)


def ring_places(model, rim):
    """Where the added vertices lie on the model: (triangles (108,), weights of their corners (108, 3)); ring by ring, from the inner one out."""
    landmarks = model.mean[model.landmarks].astype(np.float64)
    skin = model.triangles[np.isin(model.part, (FACE, HEAD_NECK))]
    directions = _Directions(landmarks)
    arc = hair_line(landmarks)
    front = np.c_[arc[:, :2], np.full(len(arc), model.mean[:, 2].min() - 1)]
    triangles, weights = _first_hits(model.mean, skin, front, np.tile([0.0, 0.0, 1.0], (len(arc), 1)), outermost=False)
    on_skin = (model.mean[skin[triangles]] * weights[..., None]).sum(1)
    around, off = directions.of(np.concatenate([landmarks[:17], on_skin[~np.isnan(weights[:, 0])]]))
    order = np.argsort(around)
    around, off = around[order], off[order]
    rim_around, rim_off = directions.of(rim)
    turn = 2 * np.pi
    end = np.interp(rim_around, np.r_[around - turn, around, around + turn], np.tile(off, 3))
    end = np.maximum(end, rim_off) + MARGIN
    rays = np.concatenate([directions.rays(rim_around, rim_off + (end - rim_off) * ring / RINGS) for ring in range(1, RINGS + 1)])
    triangles, weights = _first_hits(model.mean, skin, np.tile(directions.middle, (len(rays), 1)), rays, outermost=True)
    if np.isnan(weights).any():
        raise ValueError('the rings leave the skin of the model')
    return skin[triangles], weights


def ring_triangles():
    """(216, 3) of the mesh's 468 vertices and the added ones, facing as the mesh's do."""
    count = len(RIM)
    loops = [RIM] + [[468 + ring * count + i for i in range(count)] for ring in range(RINGS)]
    quads = [(inner[i - 1], inner[i], outer[i], outer[i - 1]) for inner, outer in zip(loops, loops[1:]) for i in range(count)]
    return np.array([corners for a, b, c, d in quads for corners in ((a, c, d), (a, b, c))], np.int32)


def _rendered_heads(makers, seed, count, log):
    """Meshes (n, 468, 3) that the product's network draws over rendered heads, and the heads' vertices (n, v, 3), px; of both frames of each pair."""
    meshes, heads = [], []
    for level, maker in makers.items():
        for index in range(count):
            pair = maker.make(generator_for('train', level, seed, index))
            meshes += [pair.mesh_a, pair.mesh_b]
            heads += [pair.head_a.astype(np.float16), pair.head_b.astype(np.float16)]
        log(f'{level}: {count} pairs')
    return np.array(meshes, np.float64), heads


def _vertex_motions(net, depth, folder, cache, canonical, log):
    """Of each pair: mesh of A and motion of its vertices (n, 468, 3) px, depth from motion included, by the meshes where hidden; which were seen; true flow and state."""
    seen = {name: values for name, values in observations(net, folder, cache, canonical, log).items() if name in _KEYS}
    mesh_a, mesh_b, motion = (seen[name].astype(np.float32) for name in ('mesh_a', 'mesh_b', 'motion'))
    with torch.no_grad():
        inputs = joined_inputs(torch.from_numpy(motion), torch.from_numpy(seen['seen']), torch.from_numpy(mesh_a), torch.from_numpy(mesh_b))
        change = depth(inputs).numpy() * FLOW_UNIT
    motion = np.where(seen['seen'][..., None], motion, mesh_b - mesh_a)
    return mesh_a, motion + change, seen['seen']


def _true_motions(folder, meshes, places, canonical, log):
    """True flow at the added vertices `places` (n, r, 3), and where it is known: in the frame, off the mesh, on the head."""
    pairs, flows, known = PairSet(folder, log=log), [], []
    for index, (mesh, place) in enumerate(zip(meshes, places)):
        fields = pairs.batch(np.array([index]))
        x, y = place[:, :2].astype(int).T
        inside = (place[:, :2] >= 0).all(1) & (place[:, :2] < SIZE).all(1)
        x, y = np.clip(x, 0, SIZE - 1), np.clip(y, 0, SIZE - 1)
        off_mesh = ~encode(mesh, mesh, canonical)[1][y, x]
        flows.append(fields['flow'][0][y, x].astype(np.float64))
        known.append(inside & off_mesh & np.isin(fields['state'][0][y, x], (VISIBLE, HIDDEN)))
    return np.array(flows), np.array(known)


def _normal(values):
    """(n, k, 3) -> values about each entry's middle (3 n, k) and the middles (n, 3)."""
    middle = values.mean(1, keepdims=True)
    return (values - middle).transpose(0, 2, 1).reshape(-1, values.shape[1]), middle[:, 0]


def fit_weights(meshes, places, motions=None, truth=None, known=None, anchors=None):
    """Weights (r, 468) with rows that add up to 1, of the anchors alone, that fit places (n, r, 3) to meshes and known true motions (m, r, 3) to motions (m, 468, 3)."""
    anchors = np.arange(meshes.shape[1]) if anchors is None else anchors
    shape, centre = _normal(meshes[:, anchors])
    weights = np.zeros((places.shape[1], meshes.shape[1]))
    gram = PLACE_WEIGHT * shape.T @ shape + RIDGE * np.eye(len(anchors))
    for row in range(places.shape[1]):
        left, right = gram, PLACE_WEIGHT * shape.T @ (places[:, row] - centre).ravel()
        if motions is not None:
            moved, mean = _normal(motions[known[:, row]][:, anchors])
            goal = (truth[known[:, row], row] - mean).ravel()
            near = np.abs(goal) < FARTHEST
            left, right = left + moved[near].T @ moved[near], right + moved[near].T @ goal[near]
        found = np.linalg.solve(left, right)
        weights[row, anchors] = found + (1 - found.sum()) / len(anchors)
    return weights


def symmetric(weights, canonical):
    """The mean of the weights and those of the mirrored face."""
    count = len(RIM)
    other = np.array([ring * count + -i % count for ring in range(RINGS) for i in range(count)])
    return (weights + weights[other][:, mirrored_vertices(canonical).numpy()]) / 2


def rounded(weights):
    """As f16, each row adding up to 1 as nearly as its largest weight allows."""
    out = weights.astype(np.float16)
    rows, largest = np.arange(len(out)), np.abs(out).argmax(1)
    out[rows, largest] = out[rows, largest].astype(np.float64) + 1 - out.astype(np.float64).sum(1)
    return out


def fit_extent(args, makers, canonical, log):
    """`fit-extent`."""
    model = next(iter(makers.values())).material.model
    meshes, heads = _rendered_heads(makers, args.seed, args.count, log)
    corners, shares = ring_places(model, _mean_rim(model, meshes, heads))
    places = np.array([(head.astype(np.float64)[corners] * shares[..., None]).sum(1) for head in heads])
    plain = fit_weights(meshes, places)
    net, depth = load_network(args.weights)[0], load_depth(args.depth)
    found = []
    for folder in args.sets:
        mesh, motion, seen = _vertex_motions(net, depth, folder, args.cache, canonical, log)
        found.append((motion, seen, *_true_motions(folder, mesh, plain @ mesh, canonical, log)))
    motions, seen, truth, known = map(np.concatenate, zip(*found))
    anchors = np.where(seen.mean(0) > LEAST_SEEN)[0]
    weights = rounded(symmetric(fit_weights(meshes, places, motions.astype(np.float64), truth, known, anchors), canonical))
    off = np.linalg.norm(weights.astype(np.float64) @ meshes - places, axis=2)
    error = np.linalg.norm((weights.astype(np.float64) @ motions - truth)[known], axis=1)
    log(f'{len(meshes)} heads, {len(motions)} pairs, {len(anchors)} vertices told by: places {off.mean():.2f} px, motions {error.mean():.2f} px off')
    safetensors.save(args.out, {'extent.weight': weights, 'extent.triangles': ring_triangles()}, dict(format='deepfaceflow', version='1', table='face-extent', provenance=args.provenance))
