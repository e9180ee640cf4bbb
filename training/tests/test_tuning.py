"""Tests that need no material: what the mesh network is tuned on beside the flow, and how it is judged."""
import unittest

import numpy as np
import torch

import support  # noqa: F401, I001  (puts the package on the path)
from deepfaceflow_training import expressions
from deepfaceflow_training.contours import CHIN, LID_GAPS, LIP_GAPS, MIRRORED_LANDMARKS, RIMS, gaps, rim_weights
from deepfaceflow_training.geometry import SIZE
from deepfaceflow_training.mesh_study import real_summary, shape_summary
from deepfaceflow_training.pairs import VISIBLE
from deepfaceflow_training.regressor import LANDMARKS68
from deepfaceflow_training.regressor_tuning import mirrored, shape_errors, tuning_loss


def meshes(count=2, seed=0):
    """Random vertices inside the frame."""
    g = np.random.default_rng(seed)
    return g.uniform(40, 180, (count, 468, 3)).astype(np.float32)


def fields(flow, points_a, points_b):
    count = len(points_a)
    whole = np.tile(np.float32(flow), (count, SIZE, SIZE, 1))
    pictures = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    return dict(i1=pictures, i2=pictures, flow=whole, state=np.full((count, SIZE, SIZE), VISIBLE, np.uint8), points_a=points_a, points_b=points_b)


class RimTest(unittest.TestCase):
    def test_landmarks_lie_on_the_rims_and_others_between_them(self):
        at, weights = rim_weights(list(LANDMARKS68))
        self.assertEqual(len(at), len(set(at)))
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
        points = np.arange(68, dtype=np.float32)
        place = dict(zip(at, weights @ points))
        for landmark in (8, *range(36, 48), *range(60, 68)):
            self.assertEqual(place[LANDMARKS68[landmark]], landmark)
        self.assertAlmostEqual(place[159], (37 + 38) / 2)  # half way along the upper lid
        self.assertEqual(set(at), {CHIN, *(vertex for vertices, _ in RIMS for vertex in vertices)})

    def test_openings_are_positive_downwards(self):
        points = np.zeros((68, 3), np.float32)
        points[[40, 41, 46, 47], 1] = 9
        self.assertEqual(gaps(points, LID_GAPS), 9)
        self.assertEqual(gaps(points, LIP_GAPS), 0)


class LossTest(unittest.TestCase):
    def test_the_rims_follow_the_landmarks_and_the_rest_the_flow(self):
        at, weights = rim_weights(list(LANDMARKS68))
        points_a = np.random.default_rng(1).uniform(60, 160, (2, 68, 3)).astype(np.float32)
        points_b = points_a + np.float32([0, 7, 0])
        first = meshes()
        second = first + np.float32([2, -1, 3])
        second[:, at] = first[:, at] + weights @ (points_b - points_a)
        found = torch.from_numpy(np.concatenate([first, second]))
        motion = tuning_loss(found, found, fields([2, -1, 3], points_a, points_b))[0]
        self.assertLess(float(motion), 0.25)  # the norm's smoothing at zero alone
        off = found.clone()
        off[2:, at] = off[:2, at] + torch.tensor([2.0, -1, 3])
        self.assertGreater(float(tuning_loss(off, found, fields([2, -1, 3], points_a, points_b))[0]), 1.5)

    def test_pairs_without_landmarks_follow_the_flow_everywhere(self):
        unknown = np.full((2, 68, 3), np.nan, np.float32)
        found = torch.from_numpy(np.concatenate([meshes(), meshes() + np.float32([2, -1, 3])])).requires_grad_()
        terms = tuning_loss(found, found.detach(), fields([2, -1, 3], unknown, unknown))
        self.assertLess(float(terms[0]), 0.25)
        self.assertEqual([float(term) for term in terms[3:]], [0, 0, 0])
        sum(terms).backward()
        self.assertTrue(bool(found.grad.isfinite().all()))

    def test_what_the_mesh_gets_wrong_of_the_head_is_told_apart(self):
        found = torch.from_numpy(meshes(3))
        points = found[:, LANDMARKS68].clone()
        opening, chin, relief = (float(value) for value in shape_errors(found, points))
        self.assertTrue(opening < 0.21 and chin == 0 and relief < 1e-4)
        points[:, [37, 38, 43, 44], 1] -= 4
        self.assertAlmostEqual(float(shape_errors(found, points)[0]), 4 * 4 / 9, delta=0.2)
        points = found[:, LANDMARKS68] + torch.tensor([3.0, 5.0, 9.0])  # moved as a whole
        opening, chin, relief = (float(value) for value in shape_errors(found, points))
        self.assertTrue(opening < 0.21 and abs(chin - 5) < 1e-4 and relief < 1e-4)

    def test_a_mirrored_pair_has_mirrored_landmarks(self):
        points = np.random.default_rng(2).uniform(40, 180, (32, 68, 3)).astype(np.float32)
        out = mirrored(np.random.default_rng(0), fields([2, -1, 3], points, points))
        turned = out['flow'][:, 0, 0, 0] == -2
        self.assertTrue(0 < turned.sum() < 32)
        np.testing.assert_array_equal(out['points_a'][~turned], points[~turned])
        np.testing.assert_allclose(out['points_a'][turned][:, 36], points[turned][:, 45] * [-1, 1, 1] + [SIZE, 0, 0], rtol=1e-6)
        order = np.array(MIRRORED_LANDMARKS)
        np.testing.assert_array_equal(order[order], np.arange(68))


class VividTest(unittest.TestCase):
    def test_lids_close_fully_and_one_eye_alone(self):
        g = np.random.default_rng(0)
        drawn = [closures for closures in (expressions.lid_closures(g) for _ in range(400)) if closures is not None]
        self.assertTrue(150 < len(drawn) < 250)
        closed = np.array(drawn) >= 1
        self.assertGreater(closed.all(1).mean(), 0.4)
        self.assertGreater((closed.sum(1) == 1).mean(), 0.2)

    def test_lips_are_of_every_kind(self):
        g = np.random.default_rng(0)
        self.assertEqual({expressions.lip_kind(g) for _ in range(100)}, {None, 'pressed', 'pursed', 'open'})


class StudyTest(unittest.TestCase):
    def test_a_mesh_that_closes_half_as_far_shows_half_of_the_change(self):
        points_a = np.random.default_rng(3).uniform(60, 160, (4, 68, 3)).astype(np.float32)
        points_b = points_a.copy()
        points_b[:, [37, 38, 43, 44], 1] += 8
        a, b = np.zeros((2, 4, 468, 3), np.float32)
        a[:, LANDMARKS68], b[:, LANDMARKS68] = points_a, (points_a + points_b) / 2
        b[:, LANDMARKS68[8], 1] -= 3
        found = shape_summary(a, b, points_a, points_b)
        self.assertAlmostEqual(found['lids_share'], 0.5, places=3)
        self.assertTrue(np.isnan(found['lips_share']))
        self.assertAlmostEqual(found['chin_bias'], -1.5, places=3)
        self.assertAlmostEqual(found['relief_correlation'], 1, places=3)

    def test_openings_of_real_frames_are_compared_within_their_sequence(self):
        g, sequences = np.random.default_rng(4), np.array(['a'] * 10 + ['b'] * 10)
        points = np.tile(g.uniform(60, 160, (68, 2)), (20, 1, 1)).astype(np.float32)
        points[:, [40, 41, 46, 47], 1] = points[:, [37, 38, 43, 44], 1] + np.tile(np.arange(10), 2)[:, None]
        own = points.copy()
        own[:, [40, 41, 46, 47], 1] = own[:, [37, 38, 43, 44], 1] + 0.5 * np.tile(np.arange(10), 2)[:, None] + 3 + 4 * (sequences == 'b')[:, None]
        found = real_summary(own, points, sequences)
        self.assertAlmostEqual(found['lids_slope'], 0.5, places=4)
        self.assertAlmostEqual(found['lids_truly_closed'], 0, places=4)
        self.assertAlmostEqual(found['lids_closed'], 5, places=4)
        self.assertAlmostEqual(found['chin_bias'], 0, places=4)

    def test_nothing_is_said_without_landmarks(self):
        unknown = np.full((1, 68, 3), np.nan, np.float32)
        self.assertEqual(shape_summary(meshes(1), meshes(1), unknown, unknown), {})


if __name__ == '__main__':
    unittest.main()
