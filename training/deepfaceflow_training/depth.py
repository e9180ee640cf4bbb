"""Depth from motion: dz of the face, found from its shape and from its motion in the image.

Two frames of a head under a scaled orthographic camera show how far it turned once its relief is known, and so how much every point came nearer. DFFNet
predicts dz at its coarsest scales, before it has matched finely, and its dz is hardly better than the mesh difference's (EXPERIMENTS.md). Here its finished,
refined flow is looked up at the vertices of mesh A, where every place of the face has a number of its own, and fully connected layers give the change of dz
at each vertex, which is spread over the mesh as the mesh difference is.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import safetensors
from .geometry import SIZE
from .nets import FLOW_UNIT, PRIOR_DEPTH_UNIT, SLOPE
from .rasteriser import Raster

VERTICES = 468
NAME = 'depth-from-motion'
LEAST_COVER = 0.5  # share of the four pixels about a vertex, by bilinear weight, that the face must cover
TOLERANCE = 4.0  # px that a vertex may lie behind the surface there and still count as seen


def look_up(flow, depth, mask, mesh):
    """flow (n, c, 224, 224), depth and mask (n, 1, 224, 224), mesh (n, 468, 3) px -> (value (n, 468, c), seen (n, 468) bool).

    The bilinear mean of the covered pixels about each vertex; hidden vertices are not seen, their values mean nothing."""
    place = (mesh[..., :2] / (SIZE / 2) - 1)[:, :, None]
    sampled = F.grid_sample(torch.cat([flow * mask, depth * mask, mask], 1), place, align_corners=False)[..., 0].transpose(1, 2)
    cover = sampled[..., -1]
    values = sampled[..., :-1] / cover.clamp_min(LEAST_COVER)[..., None]
    return values[..., :-1], (cover >= LEAST_COVER) & (mesh[..., 2] - values[..., -1] < TOLERANCE)


def vertex_inputs(flow, depth, mask, mesh_a, mesh_b=None):
    """What the network gets of each vertex, (n, 468, 9) or, without the mesh of B, (n, 468, 6): position in A about the frame's middle / 100 px, mesh
    difference / 20 px, and by how much the flow differs from it (from 0 without) / 20 px, 0 where the vertex is hidden. Arguments: see `look_up`, px."""
    return joined_inputs(*look_up(flow, depth, mask, mesh_a), mesh_a, mesh_b)


def joined_inputs(motion, seen, mesh_a, mesh_b=None):
    """`vertex_inputs` of what `look_up` found."""
    position = (mesh_a - torch.tensor([SIZE / 2, SIZE / 2, 0])) / PRIOR_DEPTH_UNIT
    known = [] if mesh_b is None else [mesh_b - mesh_a]
    beyond = (motion - sum(known)) * seen[..., None]
    return torch.cat([position] + [part / FLOW_UNIT for part in known + [beyond]], 2)


class DepthFromMotion(nn.Module):
    """(n, 468, 9 or 6) -> what to add to dz at each vertex, (n, 468), in units of 20 px. The first layer, which has no activation, gives components."""

    def __init__(self, prior, components, hidden):
        super().__init__()
        self.prior = prior
        sizes = (VERTICES * (9 if prior else 6), components, hidden, hidden, VERTICES)
        self.depth = nn.ModuleDict({str(number): nn.Linear(*shape) for number, shape in enumerate(zip(sizes, sizes[1:]), 1)})

    def forward(self, inputs):
        x = self.depth['1'](inputs.flatten(1))
        for number in ('2', '3'):
            x = F.leaky_relu(self.depth[number](x), SLOPE)
        return self.depth['4'](x)


def load_depth(path):
    """-> DepthFromMotion in eval mode, f32."""
    tensors, metadata = safetensors.load(path)
    if metadata.get('network') != NAME:
        raise ValueError(f'{path}: no weights of {NAME}')
    net = DepthFromMotion(int(metadata['prior']), *(len(tensors[f'depth.{number}.bias']) for number in (1, 2)))
    net.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()})
    return net.eval()


def with_depth(net, flows, meshes_a, meshes_b, canonical):
    """Flows (n, 224, 224, 3) px, zero off the mesh, with dz corrected; meshes (n, 468, 3) px."""
    rasters = [Raster(mesh, canonical.triangles, SIZE) for mesh in meshes_a]
    plane = lambda arrays: torch.from_numpy(np.stack(arrays).astype(np.float32))[:, None]
    mask = plane([raster.covered for raster in rasters])
    depth = plane([np.where(raster.covered, raster.depth, 0) for raster in rasters])
    flow = torch.from_numpy(np.ascontiguousarray(flows)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        change = net(vertex_inputs(flow, depth, mask, torch.from_numpy(meshes_a), torch.from_numpy(meshes_b) if net.prior else None)).numpy() * FLOW_UNIT
    spread = [raster.interpolate(np.repeat(values[:, None], 3, 1))[..., 2] for raster, values in zip(rasters, change)]
    out = flows.copy()
    out[..., 2] += np.stack(spread)
    return out
