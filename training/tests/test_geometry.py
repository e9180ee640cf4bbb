"""Tests that need no material: rasteriser, geometry, meshes of registered frames."""
import types
import unittest

import numpy as np
import torch

from support import SQUARE, SQUARE_TRIANGLES, Temporary  # noqa: I001  (puts the package on the path)
from deepfaceflow_training.geometry import SIZE, apply_similarity, fit_similarity
from deepfaceflow_training.rasteriser import Raster, trace_flow
from deepfaceflow_training.registered_meshes import RegisteredMeshes, Views
from deepfaceflow_training.regressor_tuning import tuning_loss


class RasterTest(unittest.TestCase):
    def test_shared_edges_own_every_pixel_once(self):
        raster = Raster(SQUARE, SQUARE_TRIANGLES, SIZE)
        self.assertEqual(int(raster.covered.sum()), 140 * 140)
        self.assertTrue(raster.covered[40, 40] and not raster.covered[180, 180])

    def test_nearest_wins_and_ties_go_to_the_lower_index(self):
        vertices = np.concatenate([SQUARE, SQUARE - [0, 0, 1]]).astype(np.float32)
        triangles = np.concatenate([SQUARE_TRIANGLES, SQUARE_TRIANGLES + 4]).astype(np.int32)
        self.assertTrue((Raster(vertices, triangles, SIZE).owner[60:160, 60:160] >= 2).all())
        vertices[4:, 2] = 5
        self.assertTrue((Raster(vertices, triangles, SIZE).owner[60:160, 60:160] < 2).all())

    def test_interpolates_positions_at_pixel_centres(self):
        raster = Raster(SQUARE, SQUARE_TRIANGLES, SIZE)
        np.testing.assert_allclose(raster.interpolate(SQUARE)[100, 70], [70.5, 100.5, 5], atol=1e-3)

    def test_flow_of_a_shift_and_visibility_behind_an_occluder(self):
        moved = SQUARE + np.array([7, -3, 2], np.float32)
        raster_a = Raster(SQUARE, SQUARE_TRIANGLES, SIZE)
        flow, state = trace_flow(raster_a, Raster(moved, SQUARE_TRIANGLES, SIZE), SQUARE, moved, np.ones(2, np.uint8))
        np.testing.assert_allclose(flow[100, 100], [7, -3, 2], atol=1e-4)
        self.assertEqual(state[100, 100], 1)
        screen = Raster(moved - np.array([0, 0, 9], np.float32), SQUARE_TRIANGLES, SIZE)
        _, hidden = trace_flow(raster_a, screen, SQUARE, moved, np.ones(2, np.uint8))
        self.assertEqual(hidden[100, 100], 2)


class GeometryTest(unittest.TestCase):
    def test_similarity_is_recovered(self):
        g = np.random.default_rng(0)
        points = g.normal(0, 50, (68, 3))
        angle, scale = 0.3, 1.7
        matrix = np.array([[scale * np.cos(angle), -scale * np.sin(angle), 4], [scale * np.sin(angle), scale * np.cos(angle), -9]])
        moved = apply_similarity(matrix, scale, points)
        found, found_scale = fit_similarity(points[:, :2], moved[:, :2].astype(np.float64))
        np.testing.assert_allclose(found, matrix, atol=1e-5)
        self.assertAlmostEqual(found_scale, scale, places=6)


class TuningTest(Temporary):
    """Of the loss that tunes the mesh network, with a stand-in for the network."""

    def setUp(self):
        super().setUp()
        g = np.random.default_rng(5)
        self.anchors = torch.from_numpy(g.uniform(50, 150, (4, 468, 3)).astype(np.float32))
        flow = np.broadcast_to(np.float32([2, -1, 3]), (2, SIZE, SIZE, 3))
        picture = np.zeros((2, SIZE, SIZE, 3), np.uint8)
        unknown = np.full((2, 68, 3), np.nan, np.float32)
        self.fields = dict(i1=picture, i2=picture, flow=flow, state=np.ones((2, SIZE, SIZE), np.uint8), points_a=unknown, points_b=unknown)

    def terms(self, meshes):
        return [float(term) for term in tuning_loss(meshes, self.anchors, self.fields)[:3]]

    def test_no_error_for_meshes_that_move_with_the_flow(self):
        meshes = torch.cat([self.anchors[:2], self.anchors[:2] + torch.tensor([2.0, -1.0, 3.0])])
        self.anchors = meshes
        for term, floor in zip(self.terms(meshes), (0.2, 0.2, 0)):
            self.assertAlmostEqual(term, floor, places=3)

    def test_errors_of_motion_and_drift_in_px(self):
        meshes = torch.cat([self.anchors[:2], self.anchors[:2] + torch.tensor([2.0, -1.0, 13.0])])
        self.anchors = meshes - torch.tensor([0.0, 5.0, 7.0])
        motion, plane, depth = self.terms(meshes)
        self.assertAlmostEqual(motion, 10, places=1)
        self.assertAlmostEqual(plane, 5, places=1)
        self.assertAlmostEqual(depth, 0, places=3)  # the middle of a mesh along z is free


class ViewsTest(unittest.TestCase):
    def test_vertices_found_on_a_moved_region_are_mapped_back(self):
        # A 'network' that finds a mark: the brightest pixel of its crop, as every vertex.
        def net(crops):
            place = crops[:, 0].flatten(1).argmax(1)
            x, y = place % 192 + 0.5, torch.div(place, 192, rounding_mode='floor') + 0.5
            return torch.stack([x, y, 0 * x], 1)[:, None].float().expand(-1, 468, -1), None
        canonical = types.SimpleNamespace(vertices=np.zeros((468, 3), np.float32) + np.arange(468)[:, None] * [0, 1, 0])
        meshes = RegisteredMeshes(net, canonical)
        frames = torch.zeros(4, 3, SIZE, SIZE)
        frames[:, :, 90:93, 130:133] = 1  # about (131.5, 91.5)
        views = Views.random(np.random.default_rng(3), 4)
        for own in (None, views):
            found = meshes.of_crops(meshes.crops(frames, own), own)[:, 0, :2]
            self.assertLess((found - torch.tensor([131.5, 91.5])).abs().max(), 1.8)
