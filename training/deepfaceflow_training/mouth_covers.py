"""Portraits with hands, masks and things drawn before the mouth, and the linear discriminant that tells them from free mouths: WEIGHTS and CONSTANT of `src/animate/covered-mouth.ts`.

Photographs of covered mouths were not at hand. What is drawn has the face's own skin (hands), folds and plain cloth (masks), or one colour or a corner of another photo (things)."""
import json
import os

import cv2
import numpy as np

from .regressor import MeshRegressor

EYES_APART, SIDE = 110, 500  # px: outer eye corners of what is written, at most; side of the picture
WIDEST_TURN, RIDGE = 25, 0.05  # degrees; of the variance of a number
KINDS = dict(hand=0.5, mask=0.25, object=0.25)  # share of the covered ones
CLOTHS = ([235, 235, 235], [190, 210, 230], [40, 40, 45], [180, 170, 200], [60, 80, 120], [200, 150, 150], [120, 140, 110])


class Face:
    """A picture, its mesh, and the axes of the face in it."""

    def __init__(self, picture, mesh):
        self.picture, self.points = picture, mesh[:, :2]
        self.unit = np.linalg.norm(self.points[33] - self.points[263])
        self.across = (self.points[263] - self.points[33]) / self.unit
        self.down = np.array([-self.across[1], self.across[0]])
        self.mouth = (self.points[13] + self.points[14]) / 2
        self.y, self.x = np.mgrid[:picture.shape[0], :picture.shape[1]].astype(np.float32)

    def along(self, place, direction):
        return (self.x - place[0]) * direction[0] + (self.y - place[1]) * direction[1]

    def capsule(self, tip, base, radius):
        """Distance from the line between two places, radii."""
        tip, d = tip.astype(np.float32), (base - tip).astype(np.float32)
        t = np.clip(self.along(tip, d) / max(1e-6, d @ d), 0, 1)
        return np.hypot(self.x - tip[0] - t * d[0], self.y - tip[1] - t * d[1]) / radius


def skin_of(face, g):
    """The skin of a cheek or the forehead, mirrored on and on over the picture; None where the face is cut off there."""
    height, width = face.picture.shape[:2]
    size = max(height, width)
    x, y = face.points[int(g.choice([205, 425, 151, 50, 280]))].astype(int)
    r = max(4, int(0.085 * face.unit))
    patch = face.picture[max(0, y - r):y + r, max(0, x - r):x + r]
    if patch.size < 50:
        return None
    zoom = g.uniform(1.2, 2.0)
    patch = cv2.resize(patch, None, fx=zoom, fy=zoom)
    tile = np.concatenate([np.concatenate([patch, patch[:, ::-1]], 1), np.concatenate([patch[::-1], patch[::-1, ::-1]], 1)])
    return np.tile(tile, (1 + size // patch.shape[0], 1 + size // patch.shape[1], 1))[:height, :width].astype(np.float32)


def blend(below, above, share):
    return below * (1 - share[..., None]) + above * share[..., None]


def hand(face, g, light):
    """One to four fingers over the mouth, and often the back of the hand."""
    skin = skin_of(face, g)
    if skin is None:
        return None
    skin, out, unit = skin * light, face.picture.astype(np.float32), face.unit
    count, radius = int(g.integers(1, 5)), unit * g.uniform(0.11, 0.17)
    angle = g.uniform(-np.pi, np.pi)
    d = np.cos(angle) * face.across + np.sin(angle) * face.down
    side = np.array([-d[1], d[0]])
    if count == 1:
        radius = unit * g.uniform(0.16, 0.24)
    offsets = (np.arange(count) - (count - 1) / 2) * 2 * radius * 0.95
    width = np.linalg.norm(face.points[61] - face.points[291])
    order = g.permutation(count)
    middle = face.mouth + g.normal(0, 0.08, 2) * unit
    for i in order:
        tip = middle + side * offsets[i] + d * (g.uniform(0.35, 0.7) * width + g.uniform(0, 0.25) * unit * (1 if count > 1 else 0.5))
        base = middle + side * offsets[i] - d * unit * g.uniform(0.9, 1.6)
        q = face.capsule(tip, base, radius * g.uniform(0.9, 1.05))
        cover = np.clip((1 - q) * radius / 1.5 + 0.5, 0, 1)
        out *= (1 - np.clip((1.25 - q) / 0.25, 0, 1) * 0.25 * (1 - cover))[..., None]  # its shadow
        out = blend(out, skin * (1 - 0.45 * np.clip(q, 0, 1) ** 3)[..., None], cover)
        if g.random() < 0.5:
            nail = tip + d * radius * 0.1
            inside = np.abs(face.along(nail, d) / (0.62 * radius)) ** 3 + np.abs(face.along(nail, side) / (0.5 * radius)) ** 3 < 1
            out = np.where(inside[..., None], out * np.float32(g.uniform(1.02, 1.2)), out)
    if count >= 3 or g.random() < 0.4:
        q = face.capsule(middle - d * unit * 0.9, middle - d * unit * 1.6, radius * count * 1.1)
        out = blend(out, skin * (1 - 0.3 * np.clip(q, 0, 1) ** 3)[..., None], np.clip((1 - q) * radius * count / 1.5 + 0.5, 0, 1))
    return out


def mask(face, g):
    """Cloth from the nose to the chin."""
    rim = [195 if g.random() < 0.5 else 4, 280, 361 if g.random() < 0.5 else 435, 397, 378, 152, 149, 172, 132, 50]
    cover = np.zeros(face.x.shape, np.uint8)
    cv2.fillPoly(cover, [cv2.convexHull(face.points[rim].astype(np.int32))], 255)
    cover = cv2.GaussianBlur(cover, (0, 0), 1.2).astype(np.float32) / 255
    cloth = g.choice(CLOTHS) * g.uniform(0.75, 1.08)
    cloth = cloth * (1 + 0.04 * g.standard_normal((*cover.shape, 1))) * (1 + 0.1 * np.sin(face.y / (face.unit * g.uniform(0.04, 0.1)) + g.uniform(0, 6)))[..., None]
    fold = 1 - 0.25 * np.clip(np.abs((face.x - face.mouth[0]) * face.across[0] / (0.9 * face.unit)), 0, 1)
    return blend(face.picture.astype(np.float32), cloth * fold[..., None], cover)


def thing(face, g, corner_of):
    """A cup, a telephone, a microphone: of one colour, or of the colours in a corner of another photo."""
    colour, unit = g.uniform(10, 245, 3), face.unit
    angle = g.uniform(-0.6, 0.6)
    d = np.cos(angle) * face.across + np.sin(angle) * face.down
    middle = face.mouth + g.normal(0, 0.06, 2) * unit
    u, v = face.along(middle, d), face.along(middle, np.array([-d[1], d[0]]))
    half, high = unit * g.uniform(0.35, 0.6), unit * g.uniform(0.25, 0.6)
    power = g.choice([2, 8])
    q = (np.abs(u / half) ** power + np.abs(v / high) ** power) ** (1 / power)
    if g.random() < 0.5:  # down to the lower border
        q = np.where(v > 0, np.abs(u) / half, q)
    cover = np.clip((1 - q) * high / 1.5 + 0.5, 0, 1)
    other = corner_of(g)
    look = cv2.resize(other, face.x.shape[::-1]).astype(np.float32) * 0.7 + colour * 0.3 if g.random() < 0.4 else np.broadcast_to(colour, face.picture.shape)
    return blend(face.picture.astype(np.float32), look * (1 - 0.4 * np.clip(np.abs(u / half), 0, 1) ** 2)[..., None], cover)


def covered(face, g, kind, corner_of):
    """-> (rows, columns, 3) u8, or None."""
    light = np.clip(g.normal(1, 0.15), 0.6, 1.4) * np.exp(g.normal(0, 0.04, 3))
    out = {'hand': lambda: hand(face, g, light), 'mask': lambda: mask(face, g), 'object': lambda: thing(face, g, corner_of)}[kind]()
    return None if out is None else cv2.GaussianBlur(np.clip(out, 0, 255).astype(np.uint8), (0, 0), 0.6)


def draw(args, log=print):
    """A picture of each photo as it is and one with a hand; of every third one with a mask and one with a thing, too."""
    with open(args.landmarks) as handle:
        landmarks = json.load(handle)
    os.makedirs(args.out, exist_ok=True)
    regressor, names, faces = MeshRegressor(args.assets), sorted(landmarks), os.path.join(args.material, 'faces')
    read = lambda name: cv2.imread(os.path.join(faces, name))
    def corner_of(g):
        other = read(names[int(g.integers(len(names)))])
        return other[:other.shape[0] // 5, :other.shape[1] // 5, ::-1]
    for i, name in enumerate(names):
        picture, points = read(name), np.array(landmarks[name]['pts'])
        if picture is None:
            continue
        zoom = min(1, EYES_APART / np.linalg.norm(points[36] - points[45]))
        picture, points = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)[..., ::-1], points * zoom
        left, top = np.maximum(0, points.mean(0) - SIDE / 2).astype(int)
        picture = picture[top:top + SIDE, left:left + SIDE].copy()
        face = Face(picture, regressor.track(picture, points - [left, top])[0])
        g = np.random.default_rng([9, i])
        drawn = {kind: covered(face, g, kind, corner_of) for kind in (KINDS if i % 3 == 0 else ('hand',))}
        for kind, pixels in dict(free=picture, **drawn).items():
            if pixels is not None:
                cv2.imwrite(os.path.join(args.out, f'{os.path.splitext(name)[0].replace("/", "_")}.{kind}.jpg'), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
        if i % 100 == 0:
            log(f'{i} of {len(names)}')


def fit(args, log=print):
    """From what `npm run eval -- covered-parts --looks` writes of these pictures: the weights, and shares beyond some limits on photos that the fit did not see (five-fold)."""
    with open(args.looks) as handle:
        rows = [row for row in json.load(handle) if abs(row['turn']) <= WIDEST_TURN]
    looks, kinds = np.array([row['look'] for row in rows]), np.array([row['photo'].split('.')[-2] for row in rows])
    photos = [os.path.basename(row['photo']).split('.')[0] for row in rows]
    part = np.array([sorted(set(photos)).index(photo) for photo in photos]) % 5
    weights = np.array([1.0 if kind == 'free' else KINDS[kind] for kind in kinds]) / [np.sum(kinds == kind) for kind in kinds]
    found = np.zeros(len(rows))
    for k in range(5):
        row, constant = discriminant(looks[part != k], kinds[part != k] == 'free', weights[part != k])
        found[part == k] = looks[part == k] @ row + constant
    for limit in (0.4, 0.5, 0.6):
        log(f'above {limit}: ' + ', '.join(f'{kind} {np.mean(found[kinds == kind] > limit):.3f}' for kind in ('free', *KINDS)))
    row, constant = discriminant(looks, kinds == 'free', weights)
    log(f'{np.round(row * 1e4).astype(int).reshape(-1, 3).tolist()} {constant:.2f}')


def discriminant(looks, free, weights):
    """Ridge regression of -1 (free) and 1 on the numbers of a look, each in its own spread -> (numbers,), constant."""
    weights = weights / weights.sum()
    mean = weights @ looks
    spread = np.sqrt(weights @ (looks - mean) ** 2) + 1e-9
    z = (looks - mean) / spread
    row = np.linalg.solve((z * weights[:, None]).T @ z + RIDGE * np.eye(z.shape[1]), (z * weights[:, None]).T @ np.where(free, -1.0, 1.0)) / spread
    return row, -mean @ row
