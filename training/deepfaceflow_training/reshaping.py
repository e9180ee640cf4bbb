"""Heads that the morphable model does not know: relief, width and regions of the face changed at random, the same way in both frames of a pair."""
import numpy as np

RELIEF = (0.85, 1.05)  # factor on the depth of ICT heads, whose relief is deeper than that of real ones
_WIDTH = 0.04  # spread of the factor on the width
# Places in landmarks (iBUG) whose surroundings move, and how far along (x, y, z), as a share of the distance of the eyes: nose, chin, brows, cheeks, jaw, temples.
_PLACES = (((30, 33), (0.01, 0.03, 0.05)), ((8,), (0.02, 0.05, 0.05)), ((19, 24, 27), (0.02, 0.03, 0.03)), ((2, 31), (0.03, 0.02, 0.04)),
           ((14, 35), (0.03, 0.02, 0.04)), ((5, 11), (0.03, 0.02, 0.03)), ((0, 16), (0.03, 0.01, 0.06)))
_REACH = (0.25, 0.6)  # of a place's surroundings, in distances of the eyes
_BUMPS, _BUMP_SIZE = 6, 0.02  # smooth deformations at places of no name


def random_reshape(g, neutral, landmarks, relief=RELIEF):
    """-> function of vertices (n, 3) of any expression of the head `neutral` (n, 3) to (n, 3) float32; x right, y down, z away."""
    points = neutral[landmarks].astype(np.float64)
    eyes, middle = np.linalg.norm(points[36] - points[45]), points.mean(0)
    centres, moves, reaches = [], [], []
    for at, spread in _PLACES:
        centres.append(points[list(at)].mean(0))
        moves.append(g.normal(0, spread))
    box = np.ptp(points, axis=0) * [0.6, 0.6, 0.3]
    for _ in range(_BUMPS):
        centres.append(middle + g.uniform(-1, 1, 3) * box)
        moves.append(g.normal(0, _BUMP_SIZE, 3))
    reaches = g.uniform(*_REACH, len(centres)) * eyes
    offset = np.zeros(neutral.shape)
    for centre, move, reach in zip(centres, moves, reaches):
        distance = ((neutral - centre) ** 2).sum(1)
        offset += np.exp(-distance / (2 * reach ** 2))[:, None] * move * eyes
    factors = np.array([1 + g.normal(0, _WIDTH), 1, g.uniform(*relief)])
    return lambda vertices: ((vertices - middle + offset) * factors + middle).astype(np.float32)
