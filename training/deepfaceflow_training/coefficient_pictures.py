"""The pictures that the network of coefficients learns from, as batches.

Batches are whole persons: two of a person's eight pictures show it at rest and serve the others. Views, colours and meshes are disturbed, the meshes also smoothly, as
another mesh network or another registration would: neither is to be learned by heart."""
import collections
import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch

from .coefficient_heads import PICTURES, complete_shards, read_set
from .coefficient_net import COUNT, CROPS, MIRRORED, MIRRORED_POSE, POSE_UNIT, crop_tensor, crops_of, mesh_tensor, mirror
from .geometry import SIZE
from .registered_meshes import mirrored_vertices

ZOOM, TURN, SHIFT = 0.03, 0.03, 2.0  # largest change of a view: factor, radians, px
NOISE, SMOOTH_NOISE, _REACH = 0.15, 0.4, 0.12  # of the vertices: px, px, width of the smooth one in units of the mesh's box
PREFETCHED = 3  # batches


class SmoothNoise:
    """Disturbances of a mesh that neighbouring vertices share."""

    def __init__(self, canonical):
        v = canonical.vertices / np.ptp(canonical.vertices, axis=0).max()
        centres = v[::9]
        kernel = np.exp(-((v[:, None] - centres[None]) ** 2).sum(2) / (2 * _REACH ** 2))
        self.kernel = (kernel / np.sqrt((kernel ** 2).sum(1, keepdims=True))).astype(np.float32)

    def draw(self, g, count):
        smooth = self.kernel @ g.standard_normal((count, self.kernel.shape[1], 3), np.float32)
        size = SMOOTH_NOISE * g.uniform(0, 1, (count, 1, 1))
        return (smooth * size + NOISE * g.standard_normal((count, 468, 3), np.float32) * g.uniform(0, 1, (count, 1, 1))).astype(np.float32)


class Pictures:
    """Persons of a set, and batches of them."""

    def __init__(self, folders, canonical):
        parts = [read_set(folder, ('meshes', 'coefficients', 'pose')) for folder in folders]
        self.fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        self.frames = []  # one memory map a shard
        for folder in folders:
            for shard in complete_shards(folder):
                array = np.load(os.path.join(folder, shard, 'frames.npy'), mmap_mode='r')
                self.frames += [array[i:i + PICTURES] for i in range(0, len(array), PICTURES)]
        self.order, self.noise = mirrored_vertices(canonical).numpy(), SmoothNoise(canonical)

    def __len__(self):
        return min(len(self.frames), len(self.fields['meshes']))

    def plain(self, persons, mirrored=False):
        """Undisturbed: (mesh, eyes, mouth) tensors of all pictures of the persons."""
        frames, meshes = np.concatenate([self.frames[i] for i in persons]), self.fields['meshes'][persons].reshape(-1, 468, 3)
        if mirrored:
            meshes = self._mirrored(meshes)
        crops = [crops_of(frame, mirror() if mirrored else None) for frame in frames]
        return (mesh_tensor(meshes), *(crop_tensor(np.stack([c[name] for c in crops])) for name in CROPS))

    def targets(self, persons):
        return torch.from_numpy(self.fields['coefficients'][persons].reshape(-1, COUNT))

    def _mirrored(self, meshes):
        turned = meshes[:, self.order].copy()
        turned[..., 0] = SIZE - turned[..., 0]
        return turned

    def batch(self, g, persons):
        """Disturbed: ((mesh, eyes, mouth), targets, (yaw, pitch, roll) / POSE_UNIT)."""
        crops, meshes, targets, poses, turns = {name: [] for name in CROPS}, [], [], [], []
        for person in persons:
            frames, own, goal, pose = self.frames[person], *(self.fields[name][person] for name in ('meshes', 'coefficients', 'pose'))
            mirrored = g.random() < 0.5
            if mirrored:
                pose, own, goal = pose * MIRRORED_POSE, self._mirrored(own), goal[:, MIRRORED]
            for i in range(PICTURES):
                zoom, turn, shift = 1 + g.uniform(-ZOOM, ZOOM), g.uniform(-TURN, TURN), g.uniform(-SHIFT, SHIFT, 2)
                turns.append([0, 0, np.rad2deg(turn)])
                linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
                middle = np.full(2, SIZE / 2)
                back = np.linalg.inv(linear)
                move = np.c_[back, middle - back @ (middle + shift)]
                appearance = Appearance.random(g)
                for name, crop in crops_of(frames[i], mirror(move) if mirrored else move).items():
                    crops[name].append(appearance(crop))
                moved = own[i].copy()
                moved[:, :2] = (own[i][:, :2] - middle) @ linear.T + middle + shift
                moved[:, 2] *= zoom
                meshes.append(moved)
            targets.append(goal)
            poses.append(pose)
        meshes = np.stack(meshes) + self.noise.draw(g, len(meshes))
        tensors = [torch.from_numpy(np.stack(crops[name])).permute(0, 3, 1, 2) for name in CROPS]
        return (mesh_tensor(meshes), *tensors), torch.from_numpy(np.concatenate(targets)), torch.from_numpy((np.concatenate(poses) + turns).astype(np.float32)) / POSE_UNIT


class Appearance:
    """Other colours, gamma, light from a side, noise and blur, alike in all crops of a picture."""

    def __init__(self, mixing, gamma, slope, noise, blurred, g):
        self.mixing, self.slope, self.noise, self.blurred, self.g = mixing.astype(np.float32), slope, noise, blurred, g
        self.levels = (np.maximum(np.arange(256) / 255, 1e-3) ** gamma).astype(np.float32)

    @classmethod
    def random(cls, g):
        gain = np.exp(g.normal(0, 0.12) + g.normal(0, 0.04, 3))
        noise = g.uniform(0, 0.05) if g.random() < 0.3 else 0
        return cls(gain[:, None] * (np.eye(3) + g.normal(0, 0.04, (3, 3))), np.exp(g.normal(0, 0.12)), g.normal(0, 0.15, 2), noise, g.random() < 0.25, g)

    def __call__(self, crop):
        """(rows, columns, 3) u8 -> f32 in [-1, 1]."""
        rows, columns = crop.shape[:2]
        x = cv2.transform(cv2.LUT(crop, self.levels), self.mixing)
        across, down = np.exp(self.slope[0] * np.linspace(-1, 1, columns)), np.exp(self.slope[1] * np.linspace(-0.5, 0.5, rows))
        x *= np.outer(down, across).astype(np.float32)[..., None]
        if self.blurred:
            x = cv2.blur(x, (3, 3), borderType=cv2.BORDER_REPLICATE)
        if self.noise:
            x += np.float32(self.noise) * self.g.standard_normal(x.shape, np.float32)
        np.clip(x, 0, 1, out=x)
        x *= 2
        x -= 1
        return x


def batches(pictures, persons, args, step):
    """Those of this step and all that follow, made on a thread of its own."""
    with ThreadPoolExecutor(1) as feeder:
        make = lambda: feeder.submit(drawn, pictures, persons, args, next(steps))
        steps = itertools.count(step)
        made = collections.deque(make() for _ in range(PREFETCHED))
        while True:
            made.append(make())
            yield made.popleft().result()


def drawn(pictures, persons, args, step):
    """The batch of a step, of other persons until all had their turn, and the generator that goes on from it."""
    epoch, at = divmod(step * args.batch, len(persons) - len(persons) % args.batch)
    order = np.random.default_rng([args.seed, 1, epoch]).permutation(persons)
    draw = np.random.default_rng([args.seed, 2, step])
    return *pictures.batch(draw, order[at:at + args.batch]), draw
