"""Light of a pair: lamps and gloss of each frame, soft cast shadows, and how much of it changes between the frames.

Real videos keep the light but not the picture's brightness: exposure, gain and white balance drift, lamps move relative to the head, and
shadows do not stick to the skin. Half of the pairs change little, a sixth as much as two photos of different days.
"""
from dataclasses import dataclass

import cv2
import numpy as np

_LEVELS = ((0.5, 0.25), (0.34, 1.0), (0.16, 2.5))  # (share of pairs, size of the change)


@dataclass
class LightPair:
    lamps: tuple  # light vector of each frame, as raster.c's shade wants it
    gloss: np.ndarray  # strength and exponent of the highlight
    shadows: tuple  # multiplicative field of each frame, (size, size, 1), or None
    exposure: tuple  # colour gain of each frame, (3,)


def change_level(g):
    """Size of the change of light between the frames of a pair."""
    shares, sizes = zip(*_LEVELS)
    return sizes[g.choice(len(sizes), p=shares)]


def _lamps(g):
    ambient = g.uniform(0.4, 0.8) * (1 + g.normal(0, 0.06, 3))
    parts, count = [ambient], g.integers(1, 4)
    for _ in range(count):
        direction = np.array([g.normal(0, 1), g.normal(-0.4, 0.8), -abs(g.normal(0.9, 0.5))])
        colour = g.uniform(0.1, 0.8) / count * (1 + g.normal(0, 0.1, 3))
        parts += [direction / np.linalg.norm(direction), colour]
    return np.concatenate(parts).astype(np.float32)


def _changed_lamps(g, lamps, level):
    out = lamps.copy()
    out[:3] *= 1 + g.normal(0, 0.04 * level)
    for at in range(3, len(lamps), 6):
        direction = lamps[at:at + 3] + g.normal(0, 0.12 * level, 3)
        out[at:at + 3] = direction / np.linalg.norm(direction)
        out[at + 3:at + 6] = np.maximum(lamps[at + 3:at + 6] * (1 + g.normal(0, 0.12 * level)), 0)
    return out


def _shadow(g, size, level):
    """Two soft shadow fields with the same blob, moved between the frames."""
    coarse = cv2.resize(g.random((5, 5)).astype(np.float32), (2 * size, 2 * size), interpolation=cv2.INTER_CUBIC)
    softness, depth, edge = g.uniform(0.03, 0.3), g.uniform(0.15, 0.6), g.uniform(0.3, 0.7)
    field = 1 - depth / (1 + np.exp(-(coarse - edge) / softness * 2))
    x, y = g.integers(size // 4, 3 * size // 4, 2)
    dx, dy = np.clip(g.normal(0, 0.03 * size * (1 + level), 2), -size // 4, size // 4).astype(int)
    return tuple(field[v:v + size, u:u + size, None] for u, v in ((x, y), (x + dx, y + dy)))


def random_light(g, size, rendered=True):
    """Light of a pair for pictures of size x size; rendered=False: only what can be laid over a photo."""
    level = change_level(g)
    a = _lamps(g)
    b = _changed_lamps(g, a, level)
    gloss = np.array([g.uniform(0, 0.25), g.uniform(8, 40)], np.float32)
    shadows = _shadow(g, size, level) if g.random() < (0.35 if rendered else 0.25) else None
    common = np.exp(g.normal(0, 0.12)) * np.exp(g.normal(0, 0.04, 3))
    drift = np.exp(g.normal(0, 0.07 * level)) * np.exp(g.normal(0, 0.015 * level, 3))
    return LightPair((a, b), gloss, shadows, (common / np.sqrt(drift), common * np.sqrt(drift)))


def lit(image, light, frame):
    """image (float) under the shadow field and the exposure of frame 0 or 1."""
    if light.shadows is not None:
        image = image * light.shadows[frame]
    return image * light.exposure[frame].astype(np.float32)


def sidelight_change(g, normals):
    """A gain field (size, size, 1) for frame B of a photo-warp pair: the light turns a little, shaded by the mesh's normals."""
    level = change_level(g)
    direction = g.normal(0, 0.12 * level, 2)
    return np.clip(1 + normals[..., :1] * direction[0] + normals[..., 1:2] * direction[1], 0.5, 1.6)
