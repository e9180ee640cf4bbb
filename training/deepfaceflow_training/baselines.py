"""What people use instead, on the same pairs: no flow, mesh difference, OpenCV's dense flows, and these with the mesh's depth change."""
import cv2
import numpy as np

from .encoding import encode, mesh_difference


def _grey(image):
    return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)


class Baselines:
    """flows(i1, i2, mesh_a, mesh_b) -> name -> flow (224, 224, 3) px, all zero outside the mesh of frame A."""

    NAMES = ('zero', 'mesh difference', 'Farneback, dz = 0', 'DIS, dz = 0', 'DIS + mesh dz', 'DIS from mesh + mesh dz')

    def __init__(self, canonical):
        self.canonical = canonical
        self.dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.dis.setFinestScale(0)

    def refine(self, i1, i2, flow):
        """A flow (224, 224, 3) px after inverse-search refinement of its first two components at full resolution."""
        refined = self.dis.calc(_grey(i1), _grey(i2), np.ascontiguousarray(flow[..., :2]))
        return np.dstack([refined, flow[..., 2]])

    def flows(self, i1, i2, mesh_a, mesh_b):
        channels, mask = encode(mesh_a, mesh_b, self.canonical)
        mesh, inside = mesh_difference(channels), mask[..., None]
        a, b = _grey(i1), _grey(i2)
        with_depth = lambda flow, dz: np.dstack([flow, dz]) * inside
        still = np.zeros_like(mesh[..., 2])
        dis = self.dis.calc(a, b, None)
        started = self.dis.calc(a, b, np.ascontiguousarray(mesh[..., :2]))
        farneback = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 4, 21, 5, 7, 1.5, 0)
        flows = (np.zeros_like(mesh), mesh, with_depth(farneback, still), with_depth(dis, still), with_depth(dis, mesh[..., 2]), with_depth(started, mesh[..., 2]))
        return dict(zip(self.NAMES, flows)), mask
