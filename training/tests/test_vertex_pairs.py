"""Tests that need no material: pairs made at the vertices alone."""
import unittest
from unittest import mock

import numpy as np

import support  # noqa: F401, I001  (puts the package on the path)
from deepfaceflow_training import perspective, vertex_pairs
from deepfaceflow_training.geometry import rotation
from deepfaceflow_training.perspective import View
from deepfaceflow_training.photowarp_perspective import PX_PER_METRE
from deepfaceflow_training.vertex_pairs import reversed_pairs, rigid_part, rotations, turned_further

AT = vertex_pairs._AT


def observed(count=3, seed=0):
    """Pairs of a bulging face that turns by 8 degrees while some of it moves, meshes and flow a little wrong."""
    g = np.random.default_rng(seed)
    plane = g.uniform(-50, 50, (468, 2))
    shape = np.c_[plane, 0.012 * (plane ** 2).sum(1)]
    shape -= shape[AT].mean(0)
    turned = (shape + np.where(plane[:, 1:] > 30, [0, 3.0, 0], 0)) @ rotation(8, 0, 0).T
    turned -= turned[AT].mean(0)
    middle = np.array([112, 120, 0])
    stack = lambda v: np.repeat((v + middle)[None], count, 0).astype(np.float32)
    noise = lambda size: g.normal(0, size, (count, 468, 3)).astype(np.float32)
    mesh_a, truth = stack(shape), np.repeat((turned - shape)[None], count, 0).astype(np.float32)
    return dict(mesh_a=mesh_a, mesh_b=mesh_a + truth + noise(2), motion=truth + noise(0.3), truth=truth, seen=np.ones((count, 468), bool),
                weight=np.ones((count, 468), np.float32))


def still(**others):
    """With nothing random but what is given."""
    values = dict(RELIEF_SPREAD=0, TILT_SPREAD=0, BUMP_SPREAD=0, TURN_SPREAD=np.zeros(3), SLOPE_SPREAD=0, SLOPE_OWN=0, _TURNED_WHOLLY=0)
    return mock.patch.multiple(vertex_pairs, **{**values, **others})


class VertexPairsTest(unittest.TestCase):
    def test_cameras_and_rotations_are_those_of_single_pairs(self):
        degrees = np.array([[10.0, -5, 3], [-20, 8, 0]])
        np.testing.assert_allclose(rotations(degrees), [rotation(*d) for d in degrees], atol=1e-6)
        points, distance, offset = np.random.default_rng(0).normal(0, 40, (2, 50, 3)), np.array([400.0, 900]), np.array([[0.2, 0], [0, -0.3]])
        for i in range(2):
            view = View(distance[i], tuple(offset[i]))
            np.testing.assert_allclose(vertex_pairs._project(points, distance, offset)[i], perspective.project(points[i], np.zeros(3), view), atol=1e-9)
            np.testing.assert_allclose(vertex_pairs._lift(points, distance, offset)[i], perspective.lift(points[i], view), atol=1e-9)

    def test_rotation_is_found_under_other_motion(self):
        seen = observed()
        first = seen['mesh_a'].astype(float)
        found = rigid_part(first, first + seen['truth'], seen['weight'])
        self.assertLess(np.abs(found - rotation(8, 0, 0)).max(), 0.02)

    def test_without_a_change_the_pair_stays_as_it_is(self):
        seen = observed()
        with still(), mock.patch.object(vertex_pairs, 'random_views', lambda g: (View(), View())):
            out = turned_further(np.random.default_rng(1), seen)
        for name in ('mesh_a', 'mesh_b', 'motion', 'truth'):
            np.testing.assert_allclose(out[name], seen[name], atol=0.05)

    def test_a_further_turn_shows_in_truth_meshes_and_motion_with_their_errors(self):
        seen = observed()
        with still(TURN_SPREAD=np.array([8.0, 0, 0])), mock.patch.object(vertex_pairs, 'random_views', lambda g: (View(), View())):
            out = turned_further(np.random.default_rng(1), seen)
        x = seen['mesh_a'][0, :, 0] - 112
        slopes = np.array([np.polyfit(x, (out['truth'] - seen['truth'])[i, :, 2], 1)[0] for i in range(3)])
        self.assertGreater(np.ptp(slopes), 0.05)  # each pair turns by an angle of its own
        for name in ('motion', 'mesh_b'):
            before = seen[name] - seen['truth'] - (seen['mesh_a'] if name == 'mesh_b' else 0)
            after = out[name] - out['truth'] - (out['mesh_a'] if name == 'mesh_b' else 0)
            np.testing.assert_allclose(after, before, atol=1e-3)

    def test_a_near_camera_bends_the_motion_of_a_turn(self):
        seen = observed(1)
        near = View(0.4)
        with still(_TURNED_WHOLLY=1), mock.patch.object(vertex_pairs, 'rotations', lambda d: np.array([rotation(10, 0, 0)])):
            bends = []
            for view in (View(), near):
                with mock.patch.object(vertex_pairs, 'random_views', lambda g, view=view: (view, view)):
                    truth = turned_further(np.random.default_rng(1), seen)['truth'][0]
                x, y = (seen['mesh_a'][0, :, :2] - [112, 120]).T
                bends.append(np.linalg.lstsq(np.c_[np.ones(468), x, y, x * y], truth[:, 1], rcond=None)[0][3])
        # A turn leaves rows where they are, but for a near camera, which the side that comes nearer grows on: y' = y (1 + x sin / distance).
        self.assertAlmostEqual(bends[0], 0, delta=2e-5)
        self.assertAlmostEqual(bends[1], np.sin(np.deg2rad(10)) / (0.4 * PX_PER_METRE), delta=1.5e-4)

    def test_reversed_twice_is_the_pair(self):
        seen = observed()
        there = reversed_pairs(seen)
        np.testing.assert_array_equal(there['mesh_a'], seen['mesh_b'])
        np.testing.assert_array_equal(there['truth'], -seen['truth'])
        again = reversed_pairs(there)
        for name, values in seen.items():
            np.testing.assert_array_equal(again[name], values)


if __name__ == '__main__':
    unittest.main()
