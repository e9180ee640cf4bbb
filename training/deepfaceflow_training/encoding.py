"""What the network gets beside the pictures, from the meshes of both registered frames: PNCC, mesh prior, face mask."""
import numpy as np

from .geometry import SIZE
from .nets import FLOW_UNIT, PRIOR_DEPTH_UNIT
from .rasteriser import Raster


def encode(mesh_a, mesh_b, canonical):
    """Meshes (468, 3) in template px -> (channels (224, 224, 7) float32, mask (224, 224) bool).

    Channels: PNCC (3), mesh difference / 20 px (3), depth of mesh A / 100 px (1); all zero outside the mesh."""
    raster = Raster(mesh_a, canonical.triangles, SIZE)
    mask = raster.covered
    out = np.zeros((SIZE, SIZE, 7), np.float32)
    out[..., :3] = raster.interpolate(canonical.colours)
    out[..., 3:6] = raster.interpolate(mesh_b - mesh_a) / FLOW_UNIT
    out[..., 6] = np.where(mask, raster.depth / PRIOR_DEPTH_UNIT, 0)
    return out, mask


def mesh_difference(channels):
    """The baseline flow (224, 224, 3) px that the prior holds."""
    return channels[..., 3:6] * FLOW_UNIT
