"""Heads with known coefficients: a few pictures of one person, registered as the product registers them, with their meshes; stored as shards.

A person is an identity with a skin. Of eight pictures two show it at rest; the other six do something. Pictures come two by two from one camera and one light, so
that the pictures of a person differ as those of one video and of other days do. The pose is told against the ray to the head, its roll in the registered picture. *Plain* persons (for evaluation) have steady light, no occluder, a far camera."""
import json
import os
import shutil
import time
import zlib

import cv2
import numpy as np

from .camera import develop, develop_clean
from .coefficients import put_gaze, random_gaze, resting_weights, sparse_weights, to_arkit, training_weights
from .geometry import SIZE, product_angles, rotation
from .light import lit, random_light
from .material import SPLITS
from .pairs import RegistrationFailed, check_meshes, meshes_of, register_as_product
from .perspective import View, place, random_views, roll_of, seen_rotation, units_per_metre
from .rendered import IDENTITY_SPREAD, SUPERSAMPLING, RenderedPairs
from .reshaping import random_reshape
from .scene import background_pair, composite, floating_occluder, glasses_layer, glasses_points, hair_layer, hair_points

PICTURES, RESTING = 8, (0, 2)  # pictures of a person; which of them are at rest
FIELDS = dict(frames=((SIZE, SIZE, 3), np.uint8), meshes=((468, 3), np.float32), coefficients=((51,), np.float32), pose=((3,), np.float32), gaze=((2,), np.float32))
LEVELS = ('coefficients', 'coefficients-plain')
PERSONS_A_SHARD = 32
VERSION = 1  # of what persons are drawn
FORMAT = 2  # of shards: those without it have the roll before registration
_ATTEMPTS = 12
_DRAFT_LIMIT, _FINAL_LIMIT = 10.0, 14.0  # px: see rendered.py
_GLASSES, _HAIR, _OCCLUDER, _WIDE = 0.12, 0.3, 0.12, 0.3  # shares
_POSE_SPREAD, _POSE_WIDE, _POSE_PLAIN = np.array([13.0, 8.0, 5.0]), np.array([38.0, 22.0, 16.0]), np.array([25.0, 15.0, 12.0])  # degrees


class CoefficientHeads(RenderedPairs):
    """`person(g)` -> name of FIELDS -> (8, ...)."""

    def __init__(self, material, split, plain=False):
        super().__init__(material, varied=split == 'train')
        self.plain = plain

    def _skin(self, g):
        # Half way to equal tones: a nearly empty band would repeat a few faces, and here it is persons that count.
        weights = np.sqrt(self.material.weights)
        return self.material.textures[g.choice(len(weights), p=weights / weights.sum())]

    def person(self, g):
        for _ in range(_ATTEMPTS):
            identity = g.normal(0, IDENTITY_SPREAD, len(self.model.identity))
            reshape = (lambda v: v) if self.plain else random_reshape(g, self.model.mean, self.model.landmarks)
            look, worn = self._appearance(g), dict(glasses=g.random() < _GLASSES, hair=g.random() < _HAIR)
            try:
                parts = [self._two(g, identity, reshape, look, worn, [2 * i in RESTING, 2 * i + 1 in RESTING]) for i in range(PICTURES // 2)]
            except RegistrationFailed:
                continue
            return {name: np.concatenate([part[name] for part in parts]) for name in FIELDS}
        raise RegistrationFailed(f'no registrable person in {_ATTEMPTS} attempts')

    def _two(self, g, identity, reshape, look, worn, resting):
        for attempt in range(4):
            try:
                return self._try_two(g, identity, reshape, look, worn, resting)
            except RegistrationFailed:
                if attempt == 3:
                    raise

    def _face(self, g, identity, reshape, resting):
        """-> vertices in the head's directions, coefficients, gaze."""
        model = self.model
        weights = resting_weights(g) if resting else (sparse_weights if self.plain else training_weights)(g, model)
        gaze = random_gaze(g, 0.4 if resting else 1.0)
        put_gaze(weights, gaze, model)
        return reshape(model.turn_eyes(model.shape(identity, weights), gaze[0], -gaze[1])), to_arkit(weights, model), gaze

    def _pose(self, g, resting):
        share = 0.5 if resting else 1.0
        if self.plain:
            return g.uniform(-_POSE_PLAIN, _POSE_PLAIN) * share
        if g.random() < _WIDE:
            return g.uniform(-_POSE_WIDE, _POSE_WIDE) * share
        return np.clip(g.normal(0, _POSE_SPREAD), -_POSE_WIDE, _POSE_WIDE) * share

    def _try_two(self, g, identity, reshape, look, worn, resting):
        model, big = self.model, SIZE * SUPERSAMPLING
        faces = [self._face(g, identity, reshape, r) for r in resting]
        poses = [self._pose(g, r) for r in resting]
        hair = hair_points(g, model, faces[0][0])
        points = [np.concatenate([v, glasses_points(model, v), hair]) for v, *_ in faces]
        views = (View(),) * 2 if self.plain else random_views(g)
        units = units_per_metre(model.mean, model.landmarks)
        turned, scaled = [v @ rotation(*pose).T for v, pose in zip(points, poses)], [view.scaled(units) for view in views]
        placed = [place(v, model.landmarks, view, model.template) for v, view in zip(turned, scaled)]
        angles = product_angles(np.stack([seen_rotation(rotation(*pose), view) for pose, view in zip(poses, views)]))
        light, backgrounds, count = random_light(g, big), background_pair(g, big, self.material.backgrounds), len(model.mean)
        drafts = [self._render(v[:count], SIZE, look, lamps, light.gloss, cv2.resize(b, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
                  for v, lamps, b in zip(placed, light.lamps, backgrounds)]
        _, placed = register_as_product([np.clip(d, 0, 255).astype(np.uint8) for d in drafts], placed, self.material, model.landmarks, _DRAFT_LIMIT)
        angles[:, 2] += [roll_of(v, model.landmarks, view, p) for v, view, p in zip(turned, scaled, placed)]
        images = [self._render(v[:count], big, look, lamps, light.gloss, b) for v, lamps, b in zip(placed, light.lamps, backgrounds)]
        if self.plain:
            pictures = develop_clean(images)
        else:
            layers = self._worn(g, placed, look, worn, big)
            pictures = develop(g, [lit(composite(image, layers, i), light, i) for i, image in enumerate(images)])
        meshes = meshes_of(pictures, self.material)
        check_meshes(meshes, placed, model.landmarks, _FINAL_LIMIT)
        return dict(frames=np.stack(pictures), meshes=meshes, coefficients=np.stack([c for _, c, _ in faces]), pose=angles, gaze=np.stack([z for *_, z in faces]))

    def _worn(self, g, placed, look, worn, size):
        count, rims, layers = len(self.model.mean), 50, []
        pixels = [v[count:] * SUPERSAMPLING for v in placed]
        if worn['glasses']:
            layers.append(glasses_layer(g, size, [p[:rims] for p in pixels]))
        if worn['hair']:
            layers.append(hair_layer(g, size, [p[rims:] for p in pixels], look['colours'][1] * g.uniform(0.5, 1)))
        if g.random() < _OCCLUDER:
            layers.append(floating_occluder(g, size, self.material.backgrounds))
        return layers


def generate(args, material, log=print):
    """Write shards of persons; complete ones of an earlier run are kept. A person is a function of (split, level, seed, number)."""
    for level in args.level:
        maker = CoefficientHeads(material, args.split, plain=level.endswith('-plain'))
        folder = os.path.join(args.out, f'{level}-{args.split}-{args.seed}')
        for start in range(0, args.count, PERSONS_A_SHARD):
            target = os.path.join(folder, f'shard-{start // PERSONS_A_SHARD:05d}')
            if _is_complete(target):
                continue
            part, began, size = target + '.part', time.process_time(), min(PERSONS_A_SHARD, args.count - start)
            shutil.rmtree(part, ignore_errors=True)
            os.makedirs(part)
            seeds = [[VERSION, SPLITS.index(args.split), zlib.crc32(level.encode()), args.seed, start + i] for i in range(size)]
            persons = [maker.person(np.random.default_rng(seed)) for seed in seeds]
            for name in FIELDS:
                np.save(os.path.join(part, name + '.npy'), np.concatenate([person[name] for person in persons]))
            with open(os.path.join(part, 'meta.json'), 'w') as handle:
                json.dump(dict(split=args.split, level=level, seed=args.seed, start=start, persons=size, pictures=PICTURES, version=VERSION, format=FORMAT), handle)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(part, target)
            log(f'{target}: {size * PICTURES} pictures, {size * PICTURES / (time.process_time() - began):.1f} per CPU-second')


def complete_shards(folder):
    """Names, in order. Those of another format do not count, and `generate` makes them anew."""
    return sorted(name for name in os.listdir(folder) if _is_complete(os.path.join(folder, name)))


def _is_complete(shard):
    path = os.path.join(shard, 'meta.json')
    if not os.path.exists(path):
        return False
    with open(path) as handle:
        return json.load(handle).get('format') == FORMAT


def read_set(folder, fields=tuple(FIELDS)):
    """All complete shards of a folder: name -> (persons, 8, ...)."""
    shards = complete_shards(folder)
    if not shards:
        raise ValueError(f'{folder}: no complete shard of format {FORMAT}; generate-coefficients makes them')
    read = lambda name: np.concatenate([np.load(os.path.join(folder, shard, name + '.npy'), mmap_mode='r') for shard in shards])
    return {name: (lambda array: array.reshape(-1, PICTURES, *array.shape[1:]))(read(name)) for name in fields}
