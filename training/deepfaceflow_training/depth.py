"""Depth from motion: dz of the face, found from its shape and from its motion in the image.

Two frames of a head under a scaled orthographic camera show how far it turned once its relief is known, and so how much every point came nearer. DFFNet
predicts dz at its coarsest scales, before it has matched finely, and its dz is hardly better than the mesh difference's (EXPERIMENTS.md). Here its finished,
refined flow is looked up at the vertices of mesh A, where every place of the face has a number of its own, and fully connected layers give the change of dz
at each vertex, which is spread over the mesh as the mesh difference is. Files with three outputs a vertex correct dx and dy with it, but for lids and lips
(`plane_share`): a match that is lost behind glasses, in a shadow or where B hides the face is not what such a face does.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import safetensors
from .contours import OUTER_LIPS, RIMS
from .geometry import SIZE
from .nets import FLOW_UNIT, PRIOR_DEPTH_UNIT, SLOPE
from .rasteriser import Raster

VERTICES = 468
NAME = 'depth-from-motion'
LEAST_COVER = 0.5  # share of the four pixels about a vertex, by bilinear weight, that the face must cover
LED_REACH = 0.6, 1.6  # cm from the rims of lids and lips: within it (dx, dy) stay, beyond it they are corrected in full
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


def plane_share(canonical):
    """(468,) in [0, 1]: by how much (dx, dy) of each vertex may be corrected. In photos landmarks lead lids and lips (docs/architecture.md), which no training
    pair shows, so what is learned there of the flow without them would move them twice."""
    vertices = canonical.vertices
    rims = vertices[sorted({vertex for rim, _ in RIMS for vertex in rim} | set(OUTER_LIPS))]
    distance = np.linalg.norm(vertices[:, None] - rims[None], axis=2).min(1)
    return np.clip((distance - LED_REACH[0]) / (LED_REACH[1] - LED_REACH[0]), 0, 1).astype(np.float32)


class DepthFromMotion(nn.Module):
    """(n, 468, 9 or 6) -> what to add to (dx, dy, dz) at each vertex, (n, 468, 3), in units of 20 px; with one output a vertex (dx, dy) stay, with three they do not.
    The first layer, which has no activation, gives components."""

    def __init__(self, prior, components, hidden, outputs=1):
        super().__init__()
        self.prior, self.outputs = prior, outputs
        sizes = (VERTICES * (9 if prior else 6), components, hidden, hidden, VERTICES * outputs)
        self.depth = nn.ModuleDict({str(number): nn.Linear(*shape) for number, shape in enumerate(zip(sizes, sizes[1:]), 1)})

    def forward(self, inputs):
        x = self.depth['1'](inputs.flatten(1))
        for number in ('2', '3'):
            x = F.leaky_relu(self.depth[number](x), SLOPE)
        return F.pad(self.depth['4'](x).unflatten(1, (VERTICES, self.outputs)), (3 - self.outputs, 0))


def load_depth(path):
    """-> DepthFromMotion in eval mode, f32."""
    tensors, metadata = safetensors.load(path)
    if metadata.get('network') != NAME:
        raise ValueError(f'{path}: no weights of {NAME}')
    components, hidden, outputs = (len(tensors[f'depth.{number}.bias']) for number in (1, 2, 4))
    if outputs not in (VERTICES, 3 * VERTICES):
        raise ValueError(f'{path}: {outputs} outputs, expected {VERTICES} or {3 * VERTICES}')
    net = DepthFromMotion(int(metadata['prior']), components, hidden, outputs // VERTICES)
    net.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()})
    return net.eval()


def with_depth(net, flows, meshes_a, meshes_b, canonical):
    """Flows (n, 224, 224, 3) px, zero off the mesh, corrected; meshes (n, 468, 3) px."""
    rasters = [Raster(mesh, canonical.triangles, SIZE) for mesh in meshes_a]
    plane = lambda arrays: torch.from_numpy(np.stack(arrays).astype(np.float32))[:, None]
    mask = plane([raster.covered for raster in rasters])
    depth = plane([np.where(raster.covered, raster.depth, 0) for raster in rasters])
    flow = torch.from_numpy(np.ascontiguousarray(flows)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        change = net(vertex_inputs(flow, depth, mask, torch.from_numpy(meshes_a), torch.from_numpy(meshes_b) if net.prior else None)).numpy() * FLOW_UNIT
    return flows + np.stack([raster.interpolate(values) for raster, values in zip(rasters, change)])
