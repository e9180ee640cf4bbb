"""Backgrounds, eyes and occluders of the rendered pairs: everything around the face, moving apart from it."""
from dataclasses import dataclass

import cv2
import numpy as np

_IRIS_COLOURS = np.array([[60, 40, 25], [90, 70, 50], [120, 140, 150], [80, 110, 90], [40, 28, 20]])


@dataclass
class Layer:
    """Something in front of the face: opacity in both frames (size, size) and its picture (size, size, 3)."""
    alpha: tuple
    picture: np.ndarray


def composite(image, layers, frame):
    for layer in layers:
        alpha = layer.alpha[frame][..., None]
        image = image * (1 - alpha) + layer.picture * alpha
    return image


def background_pair(g, size, photos):
    """Two float pictures of one background that moves a little between the frames: a photo, or smooth noise."""
    if photos and g.random() < 0.75:
        photo = photos[g.integers(len(photos))]
        if g.random() < 0.5:
            photo = photo[:, ::-1]
        scale, angle, shift = g.uniform(0.5, 1.6), g.normal(0, 20), g.normal(0, size * 0.15, 2)
        move = g.normal(0, [3, 0.02, size * 0.02, size * 0.02])
        out = []
        for a, s, t in ((angle, scale, shift), (angle + move[0], scale * (1 + move[1]), shift + move[2:])):
            half = photo.shape[0] / 2
            matrix = cv2.getRotationMatrix2D((half, half), a, s * size / photo.shape[0])
            matrix[:, 2] += size / 2 - half + t
            out.append(cv2.warpAffine(photo, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    else:
        cells, margin = g.choice([2, 4, 16, 40]), 40
        noise = (g.random((cells, cells, 3)) * g.uniform(60, 255)).astype(np.uint8)
        noise = cv2.resize(noise, (size + margin, size + margin), interpolation=cv2.INTER_CUBIC)
        x, y = g.integers(0, margin // 2, 2)
        out = [noise[margin // 2:margin // 2 + size, margin // 2:margin // 2 + size], noise[x:x + size, y:y + size]]
    return [image.astype(np.float32) for image in out]


def eye_texture(g, size=96):
    """An eyeball seen from the front: sclera, iris with radial pattern, pupil, glint."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size - 0.5
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    colour = _IRIS_COLOURS[g.integers(len(_IRIS_COLOURS))] * g.uniform(0.7, 1.2)
    disk = lambda edge, r=radius, soft=0.012: np.clip((edge - r) / soft + 0.5, 0, 1)[..., None]
    image = np.array([215, 200, 195]) * g.uniform(0.75, 1) * (1 - 0.6 * np.clip(radius - 0.12, 0, 0.4))[..., None]
    iris = colour * (1 + 0.25 * np.sin(angle * g.integers(20, 50)) * (radius > 0.05))[..., None] * (1.3 - 4 * radius)[..., None]
    image = image + (iris - image) * disk(0.122)
    image = image + (12 - image) * disk(0.05)
    image = image + (235 - image) * disk(0.02, np.hypot(u - 0.03, v - 0.04), 0.01)
    return np.clip(image, 0, 255).astype(np.uint8)


def _skin_or_photo(g, size, photos):
    if g.random() < 0.5:
        return np.clip(background_pair(g, size, photos)[0], 0, 255)
    grain = cv2.resize(g.normal(0, 1, (8, 8)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.full((size, size, 3), g.uniform([70, 45, 30], [240, 200, 180]), np.float32) * (1 + 0.1 * grain[..., None]), 0, 255)


def floating_occluder(g, size, photos):
    """A blob, a bar or a hand of bars that moves by its own motion."""
    blob, bar, hand = range(3)
    kind, centre, heading = g.integers(3), g.uniform(0.15, 0.85, 2) * size, g.uniform(0, 360)
    radius, phase = g.uniform(0.06, 0.16) * size, g.uniform(0, 6.3, 2)
    motion, turn, alphas = g.normal(0, size * 0.06, 2), g.normal(0, 8), []
    for shift, angle in ((np.zeros(2), 0), (motion, turn)):
        plane, c = np.zeros((size, size), np.uint8), centre + shift
        if kind == blob:
            t = np.linspace(0, 2 * np.pi, 60)
            r = radius * (1 + 0.25 * np.sin(2 * t + phase[0]) + 0.2 * np.sin(3 * t + phase[1]))
            outline = np.c_[c[0] + r * np.cos(t + np.deg2rad(angle)), c[1] + r * np.sin(t + np.deg2rad(angle))]
            cv2.fillPoly(plane, [np.int32(outline)], 255)
        else:
            fingers, width = (1, int(radius * 0.6)) if kind == bar else (4, int(radius * 0.5))
            for i in range(fingers):
                spread = (i - 1.5) if kind == hand else 0
                b = np.deg2rad(heading + angle + spread * 11)
                start = c + spread * radius * 0.55 * np.array([-np.sin(b), np.cos(b)])
                end = c + 3 * radius * np.array([np.cos(b), np.sin(b)])
                cv2.line(plane, tuple(int(v) for v in start), tuple(int(v) for v in end), 255, max(width, 1), cv2.LINE_AA)
            if kind == hand:
                cv2.circle(plane, tuple(int(v) for v in c), int(radius * 1.1), 255, -1)
        alphas.append(cv2.GaussianBlur(plane, (0, 0), 1.5).astype(np.float32) / 255)
    return Layer(tuple(alphas), _skin_or_photo(g, size, photos))


def glasses_points(model, vertices):
    """3D points of a pair of glasses on a shaped head: for each eye a rim of 24 points, a temple end; model units."""
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = []
    for eye in model.eyes:
        centre = (vertices[eye].min(0) + vertices[eye].max(0)) / 2
        side = np.sign(centre[0])
        front = vertices[eye][:, 2].min() - 1.1
        points.append(np.c_[centre[0] + 0.2 * side + 2.3 * np.cos(t), centre[1] + 0.3 + 1.8 * np.sin(t), np.full(24, front)])
        points.append(np.array([[7.6 * side, centre[1] - 0.5, front + 9.0]]))
    return np.concatenate(points).astype(np.float32)


def glasses_layer(g, size, frames):
    """frames: glasses points in px of the supersampled picture for both frames -> Layer."""
    width, tint = max(1, int(g.uniform(2, 7))), g.uniform(0.0, 0.35) if g.random() < 0.3 else 0.0
    alphas = []
    for points in frames:
        plane, lens = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
        rims = [np.int32(points[k:k + 24, :2]) for k in (0, 25)]
        for rim, end, side in zip(rims, (points[24], points[49]), (-1, 1)):
            cv2.polylines(plane, [rim], True, 255, width, cv2.LINE_AA)
            cv2.fillPoly(lens, [rim], 255)
            corner = rim[np.argmax(rim[:, 0] * np.sign(rim[:, 0].mean() - (rims[0][:, 0].mean() + rims[1][:, 0].mean()) / 2))]
            outward = (end[0] - corner[0]) * np.sign(corner[0] - (rims[0][:, 0].mean() + rims[1][:, 0].mean()) / 2)
            if outward > 0:  # the temple on the far side of a turned head is hidden
                cv2.line(plane, tuple(int(v) for v in corner), tuple(int(v) for v in end[:2]), 255, width, cv2.LINE_AA)
        a, b = (rims[0], rims[1]) if rims[0][:, 0].mean() < rims[1][:, 0].mean() else (rims[1], rims[0])
        cv2.line(plane, tuple(int(v) for v in a[np.argmax(a[:, 0])]), tuple(int(v) for v in b[np.argmin(b[:, 0])]), 255, width, cv2.LINE_AA)
        frame = cv2.GaussianBlur(plane, (0, 0), 0.8).astype(np.float32) / 255
        alphas.append(np.maximum(frame, tint * lens.astype(np.float32) / 255))
    colour = g.uniform(5, 90) * (1 + g.normal(0, 0.2, 3))
    return Layer(tuple(alphas), np.full((size, size, 3), np.clip(colour, 0, 255), np.float32))


def hair_points(g, model, vertices):
    """Roots and free ends of strands over the forehead, model units: (k, 2, 3) flattened to (2k, 3)."""
    forehead = np.where((model.mean[:, 1] < -5.0) & (model.mean[:, 2] < -5.0))[0]
    if not len(forehead):
        return np.empty((0, 3), np.float32)
    middle, spread, count = g.uniform(-5, 5), g.uniform(1, 4), g.integers(3, 16)
    near = forehead[np.argsort(np.abs(model.mean[forehead, 0] - middle) + g.uniform(0, spread, len(forehead)))[:count]]
    roots = vertices[near] + np.array([0, -1.5, -0.4], np.float32)
    ends = roots + np.c_[g.normal(0, 1.2, len(near)), g.uniform(1.5, 5.5, len(near)), np.full(len(near), -0.4)]
    return np.stack([roots, ends], 1).reshape(-1, 3).astype(np.float32)


def hair_layer(g, size, frames, colour):
    """frames: hair points in px of the supersampled picture -> Layer; the ends of frame B swing apart from the head."""
    width, sway, alphas = int(g.uniform(2, 9)), g.normal(0, 8, 2), []
    for frame, points in enumerate(frames):
        plane = np.zeros((size, size), np.uint8)
        for root, end in points.reshape(-1, 2, 3)[..., :2]:
            end = end + frame * (sway + g.normal(0, 2, 2))
            middle = (root + end) / 2 + np.array([0.15, -0.15]) * (end - root)[::-1]
            cv2.polylines(plane, [np.int32([root, middle, end])], False, 255, width, cv2.LINE_AA)
        alphas.append(cv2.GaussianBlur(plane, (0, 0), 1.0).astype(np.float32) / 255)
    grain = g.normal(1, 0.12, (size, 1, 1)).astype(np.float32)
    return Layer(tuple(alphas), np.clip(colour * grain * np.ones((1, size, 1), np.float32), 0, 255))
