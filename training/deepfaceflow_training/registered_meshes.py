"""3DMeshReg on registered frames, as the product runs it: the tuned network on each frame's region and on that region's mirror image, averaged.

The mirror image costs a second pass of a small network and takes 6 % of the error of the mesh difference away (EXPERIMENTS.md): what the network gets wrong
on one of them it does not get wrong in the same way on the other. A mirrored pair then also gives the mirrored flow.
"""
import os

import numpy as np
import torch
import torch.nn.functional as F

from .geometry import SIZE
from .regressor import INPUT_SIZE, TUNED, MeshRegressor
from .template import load_template

BATCH = 16


def mirrored_vertices(canonical):
    """For each vertex the one at its place on the other side of the face: (468,) int64, its own inverse."""
    vertices = canonical.vertices
    mirrored = vertices * np.array([-1, 1, 1], np.float32)
    order = np.linalg.norm(vertices[:, None] - mirrored[None], axis=2).argmin(0)
    if not np.array_equal(order[order], np.arange(len(order))):
        raise ValueError('the canonical mesh is not symmetric in x')
    return torch.from_numpy(order)


def frame_tensor(frames):
    """(n, 224, 224, 3) u8 -> (n, 3, 224, 224) in [0, 1]."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float().div_(255)


class RegisteredMeshes:
    """(n, 3, 224, 224) in [0, 1] -> (n, 468, 3) template px, averaged over the mirror image; `of_crops` is one differentiable pass."""

    def __init__(self, net, canonical):
        self.net, self.order = net, mirrored_vertices(canonical)
        cx, cy, side, _ = load_template().roi
        self.centre, self.side = torch.tensor([cx, cy]), side
        line = (torch.arange(INPUT_SIZE) + 0.5) / INPUT_SIZE - 0.5
        self.square = torch.stack([line[None, :].expand(INPUT_SIZE, -1), line[:, None].expand(-1, INPUT_SIZE)], -1)

    def __call__(self, frames):
        crops = self.crops(frames)
        found, other = self.of_crops(torch.cat([crops, crops.flip(3)])).chunk(2)
        other = other[:, self.order].clone()
        other[..., 0] = 2 * self.centre[0] - other[..., 0]
        return (found + other) / 2

    def crops(self, frames, views=None):
        """(n, 3, 192, 192): the region of each frame, moved by its view where there are views."""
        views = views or Views.still(len(frames))
        turned = torch.einsum('nij,hwj->nhwi', views.matrices, self.square)
        places = turned * self.side + (self.centre + views.shifts)[:, None, None]
        return F.grid_sample(frames, places / (SIZE / 2) - 1, align_corners=False)

    def of_crops(self, crops, views=None):
        """The network's vertices on crops, in template px whatever the views."""
        found = self.net(crops)[0] / INPUT_SIZE
        plane, depth = found[..., :2] - 0.5, found[..., 2:]
        views = views or Views.still(len(crops))
        plane = torch.einsum('nij,nvj->nvi', views.matrices, plane) * self.side + (self.centre + views.shifts)[:, None]
        return torch.cat([plane, depth * (views.zoom * self.side)[:, None, None]], 2)

    def of_images(self, images):
        """(n, 224, 224, 3) u8, or a list of such -> (n, 468, 3) float32."""
        images = np.asarray(images)
        with torch.no_grad():
            return np.concatenate([self(frame_tensor(images[start:start + BATCH])).numpy() for start in range(0, len(images), BATCH)])


class Views:
    """Regions that lie a little off the template's: what registration by other landmarks would have given."""

    ZOOM, TURN, SHIFT = 0.06, 0.07, 5.0  # largest change of the side, radians, px

    def __init__(self, zoom, turn, shifts):
        self.zoom, self.shifts = zoom, shifts
        c, s = zoom * turn.cos(), zoom * turn.sin()
        self.matrices = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)

    @classmethod
    def random(cls, g, count):
        """g: numpy generator."""
        draw = lambda limit, *shape: torch.from_numpy(g.uniform(-limit, limit, (count, *shape)).astype(np.float32))
        return cls(1 + draw(cls.ZOOM), draw(cls.TURN), draw(cls.SHIFT, 2))

    @classmethod
    def still(cls, count):
        return cls(torch.ones(count), torch.zeros(count), torch.zeros(count, 2))


def registered_meshes(assets):
    """What the product runs on registered frames; by the package's weights until `tune-regressor` has written better ones."""
    regressor = MeshRegressor(assets, TUNED if os.path.exists(TUNED) else None)
    return RegisteredMeshes(regressor.net, regressor.canonical)
