"""What several test files need: a flat mesh, a maker of pairs without material, a folder for each test."""
import os
import shutil
import sys
import tempfile
import types
import unittest

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from deepfaceflow_training import shards  # noqa: E402
from deepfaceflow_training.geometry import SIZE  # noqa: E402

SQUARE = np.array([[40, 40, 5], [180, 40, 5], [180, 180, 5], [40, 180, 5]], np.float32)
SQUARE_TRIANGLES = np.array([[0, 2, 1], [0, 3, 2]], np.int32)  # facing the camera: normals towards -z


def fake_canonical():
    """A flat 'mesh' of 468 vertices of which four span a square."""
    colours = np.zeros((468, 3), np.float32)
    colours[:4] = [[0.1, 0.1, 0.5], [0.9, 0.1, 0.5], [0.9, 0.9, 0.5], [0.1, 0.9, 0.5]]
    return types.SimpleNamespace(triangles=SQUARE_TRIANGLES, colours=colours)


class FakeMaker:
    def make(self, g):
        mesh = np.zeros((468, 3), np.float32)
        mesh[:4] = SQUARE
        shift = g.normal(0, 3, 3).astype(np.float32)
        flow = np.broadcast_to(shift, (SIZE, SIZE, 3))
        picture = g.integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
        state = np.ones((SIZE, SIZE), np.uint8)
        return types.SimpleNamespace(i1=picture, i2=picture, state=state, flow=flow, mesh_a=mesh, mesh_b=mesh + shift, pose=np.zeros(6, np.float32),
                                     points_a=np.full((68, 3), np.nan, np.float32), points_b=np.full((68, 3), np.nan, np.float32))


class Temporary(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def write_set(self, count=8, shard_size=4):
        folder = os.path.join(self.folder, 'set')
        shards.write_set(folder, FakeMaker(), 'train', 'rendered', 1, count, shard_size, log=lambda *_: None)
        return folder
