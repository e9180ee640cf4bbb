"""Tests that need no material: cameras near a head, heads of other models, slopes of depth."""
import json
import os
import types
import unittest

import cv2
import numpy as np
import torch

from support import FakeMaker, Temporary, fake_canonical  # noqa: I001  (puts the package on the path)
from deepfaceflow_training import cli, levels, nets, perspective, shards
from deepfaceflow_training.depth_study import MESH, NETWORK, dz_slope, labels, study_set
from deepfaceflow_training.geometry import SIZE, rotation
from deepfaceflow_training.morphable import FACE, HEAD_NECK, LEFT_EYE, MOUTH_SOCKET, RIGHT_EYE, TEETH
from deepfaceflow_training.perspective import View, lift, place, project, random_views, roll_of
from deepfaceflow_training.photowarp_perspective import PX_PER_METRE, moved
from deepfaceflow_training.regressor import LANDMARKS68
from deepfaceflow_training.reshaping import RELIEF, random_reshape
from deepfaceflow_training.scanned import ScannedHead
from deepfaceflow_training.second_model import SecondModel

LANDMARKS = np.arange(68)


def head(seed=0):
    """A bulging 'head' of 100 points about 9 units wide, the first 68 its landmarks; x right, y down, z away."""
    g = np.random.default_rng(seed)
    plane = g.uniform(-4.5, 4.5, (100, 2))
    plane[36], plane[45] = [-4.5, -2], [4.5, -2]
    return np.c_[plane, 0.12 * (plane ** 2).sum(1)]


class CameraTest(unittest.TestCase):
    def test_what_is_projected_can_be_lifted(self):
        points = head()
        for view in (View(), View(40.0, (0.3, -0.2)), View(300.0, (0.0, 0.1))):
            np.testing.assert_allclose(lift(project(points, points.mean(0), view), view), points - points.mean(0), atol=1e-9)

    def test_a_point_is_seen_where_the_pinhole_shows_it_and_its_depth_is_along_the_ray(self):
        view = View(50.0, (0.3, 0.0))
        centre = np.array([15.0, 0, 50])  # the middle of the face in camera coordinates
        point = centre + [2.0, 1, -5]
        seen = project(point[None], centre, view)[0]
        np.testing.assert_allclose(seen[:2], [50 * (17 / 45 - 0.3), 50 * (1 / 45)], atol=1e-12)
        self.assertAlmostEqual(seen[2], np.dot([2, 1, -5], centre) / np.linalg.norm(centre), places=12)

    def test_a_far_camera_is_the_orthographic_one(self):
        points = head()
        far, infinite = (project(points, points.mean(0), View(distance)) for distance in (1e7, np.inf))
        np.testing.assert_allclose(far, infinite, atol=1e-4)
        np.testing.assert_allclose(infinite, points - points.mean(0))

    def test_placing_takes_back_the_roll_of_a_head(self):
        points, view = head(), View(40.0, (0.1, -0.2))
        level = place(points, LANDMARKS, View(), points[LANDMARKS, :2] * 10 + 112)
        self.assertAlmostEqual(roll_of(points, LANDMARKS, View(), level), 0, places=3)
        rolled = points @ rotation(0, 0, 25).T.astype(np.float64)
        self.assertAlmostEqual(roll_of(rolled, LANDMARKS, View(), place(rolled, LANDMARKS, View(), points[LANDMARKS, :2] * 10 + 112)), -25, places=3)
        seen = place(points, LANDMARKS, view, points[LANDMARKS, :2])
        turned = np.c_[seen[:, :2] @ rotation(0, 0, 8)[:2, :2].T, seen[:, 2]]
        self.assertAlmostEqual(roll_of(points, LANDMARKS, view, turned) - roll_of(points, LANDMARKS, view, seen), 8, places=3)

    def test_a_near_camera_adds_the_keystone_that_reads_as_turn(self):
        # A flat face turned by yaw moves along x by -x^2 sin(yaw) / distance more than an orthographic camera shows: convex, as relief would be.
        x = np.linspace(-5, 5, 11)
        flat = np.c_[x, np.zeros((11, 2))]
        distance, turn = 50.0, rotation(10, 0, 0).astype(np.float64)
        seen = project(flat @ turn.T, np.zeros(3), View(distance))[:, 0] - (flat @ turn.T)[:, 0]
        bend = np.polyfit(x, seen, 2)[0]
        self.assertAlmostEqual(bend, np.sin(np.deg2rad(10)) * np.cos(np.deg2rad(10)) / distance, delta=2e-4)

    def test_heads_come_to_the_template_by_their_own_landmarks(self):
        points = head(1)
        template = points[:68, :2] * 9.6 + [112, 120]
        placed = place(points @ rotation(0, 0, 25).T, LANDMARKS, View(), template)
        np.testing.assert_allclose(placed[:, :2], points[:, :2] * 9.6 + [112, 120], atol=1e-3)
        self.assertAlmostEqual(float(placed[:68, 2].mean()), 0, places=3)
        self.assertAlmostEqual(float(np.ptp(placed[:, 2]) / np.ptp(points[:, 2])), 9.6, places=3)

    def test_views_stay_in_range_and_mostly_alike(self):
        g = np.random.default_rng(0)
        views = [random_views(g) for _ in range(400)]
        for view in (v for pair in views for v in pair):
            self.assertGreaterEqual(view.distance, perspective.NEAREST)
            self.assertLessEqual(np.abs(view.offset).max(), perspective.LARGEST_OFFSET)
        finite = [pair for pair in views if np.isfinite([v.distance for v in pair]).all()]
        self.assertGreater(len(finite), 250)
        self.assertLess(np.median([abs(np.log(a.distance / b.distance)) for a, b in finite]), 0.1)

    def test_a_photo_seen_again_from_the_same_place_does_not_move(self):
        vertices = (head(2) * 9.6).astype(np.float32)
        view = View(0.5, (0.1, -0.1)).scaled(PX_PER_METRE)
        still = moved(vertices, LANDMARKS, np.eye(3), (view, view))
        change = still - vertices
        np.testing.assert_allclose(change, np.tile(change.mean(0), (100, 1)), atol=0.05)  # registration removes the rest
        turned = moved(vertices, LANDMARKS, rotation(13, 0, 0), (View(), View()))
        np.testing.assert_allclose(turned, (vertices - vertices[:68].mean(0)) @ rotation(13, 0, 0).T, atol=1e-3)


class ReshapeTest(unittest.TestCase):
    def test_both_expressions_change_alike_and_relief_stays_in_its_range(self):
        neutral = head(3)
        smile = neutral + [0, 0.5, 0]
        scales = []
        for seed in range(20):
            reshape = random_reshape(np.random.default_rng(seed), neutral, LANDMARKS)
            first, second = reshape(neutral), reshape(smile)
            np.testing.assert_allclose(second[:, 0], first[:, 0], atol=1e-4)
            np.testing.assert_allclose(second[:, 1] - first[:, 1], 0.5, atol=1e-4)
            self.assertGreater(np.abs(first - neutral).max(), 0.05)
            scales.append(np.polyfit(neutral[:, 2], first[:, 2], 1)[0])
        self.assertGreater(np.std(scales), 0.05)
        self.assertAlmostEqual(np.mean(scales), np.mean(RELIEF), delta=0.1)


def tiny_second_model(folder, first_landmarks):
    """A file of the second model: a grid of skin before a wall behind its middle (the inside of a mouth), two eyes, one target; y up, z to the viewer."""
    side = 15
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(1, -1, side))
    grid = np.c_[x.ravel(), y.ravel(), -0.2 * (x ** 2 + y ** 2).ravel()]
    quads = np.array([r * side + c for r in range(side - 1) for c in range(side - 1)])
    triangles = np.concatenate([np.c_[quads, quads + 1, quads + side], np.c_[quads + 1, quads + side + 1, quads + side]])
    extra = lambda centre, size: centre + size * np.array([[-1, 1, 0], [1, 1, 0], [0, -1, 0]])
    wall, eyes = extra(np.array([0, -0.35, -0.3]), 0.02), [extra(np.array([s * 0.4, 0.3, 0.02]), 0.1) for s in (-1, 1)]
    vertices = np.concatenate([grid, *eyes, wall])
    last = len(grid) + 3 * np.arange(3)[:, None] + [0, 2, 1]
    triangles = np.concatenate([triangles[:, [0, 2, 1]], last])
    part = np.r_[np.zeros(len(triangles) - 3, int), 1, 2, 0]
    corner = np.random.default_rng(0).integers(0, len(quads), 468)
    lm68 = np.arange(68)
    where = np.c_[first_landmarks[:, 0], -first_landmarks[:, 1]] / np.abs(first_landmarks[:, :2]).max() * 0.9
    nearest = ((grid[None, :, :2] - where[:, None]) ** 2).sum(2).argmin(1)
    map_tri, bary = np.repeat(corner[:, None], 3, 1), np.tile([1.0, 0, 0], (468, 1))
    map_tri[:68] = nearest[:, None]
    vert_part = np.r_[np.zeros(len(grid), int), [1] * 3, [2] * 3, [0] * 3]
    units = [f'expression/units/{race}/{unit}' for race in ('african', 'asian', 'caucasian')
             for unit in ('eye-left-closure', 'eye-right-closure', 'mouth-open', 'a', 'b', 'c', 'd', 'e')]
    names = ['macrodetails/a-young', 'macrodetails/b-old', 'macrodetails/c-child', 'macrodetails/universal-x', *[f'nose/{i}' for i in range(20)], *units]
    np.savez(os.path.join(folder, 'makehuman_head.npz'), vertices=vertices, tri=triangles, tri_part=part, vert_part=vert_part, target_names=names,
             target_start=np.arange(len(names) + 1), target_index=np.arange(len(names)), target_delta=np.tile([0.0, 0.1, 0], (len(names), 1)),
             map468_tri=map_tri, map468_bary=bary, lm68=lm68)


class SecondModelTest(Temporary):
    def setUp(self):
        super().setUp()
        mean = head(4)
        # Its texture is the plane of the face: uv = place, the face all of it.
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        self.first = types.SimpleNamespace(mean=mean.astype(np.float32), landmarks=LANDMARKS, template=mean[:68, :2] * 9.6 + 112, uv=corners,
                                           triangle_uv=np.array([[0, 1, 2], [0, 2, 3]], np.int32), part=np.array([FACE, FACE], np.uint8))
        tiny_second_model(self.folder, mean[:68])
        places = np.random.default_rng(1).uniform(0.2, 0.8, (468, 2))
        places[::7] = np.nan
        self.model = SecondModel(self.folder, self.first, places)

    def test_it_stands_where_the_first_model_stands(self):
        own, goal = self.model.mean[self.model.landmarks], self.first.mean[:68]
        np.testing.assert_allclose(own.mean(0), goal.mean(0), atol=1e-4)
        self.assertEqual(len(self.model.mean), len(self.model.base) + 68)
        self.assertAlmostEqual(float(np.linalg.norm((own - own.mean(0))[:, :2]) / np.linalg.norm((goal - goal.mean(0))[:, :2])), 1, places=4)

    def test_parts_are_skin_eyes_and_what_lies_behind_the_lips(self):
        part = self.model.part
        self.assertEqual(set(part[-3:-1]), {LEFT_EYE, RIGHT_EYE})
        self.assertFalse(np.isin(part[:-3], (LEFT_EYE, RIGHT_EYE, TEETH)).any())
        self.assertTrue(np.isin(part[:-3], (FACE, HEAD_NECK, MOUTH_SOCKET)).all())
        self.assertFalse(self.model.traced[part == MOUTH_SOCKET].any())

    def test_targets_move_the_head_and_its_landmarks(self):
        name = self.model.names[3]
        changed = self.model.shape({name: 0.5}) - self.model.mean
        self.assertTrue(changed[3, 1] < 0)  # up in the file is up in the picture
        self.assertFalse(changed[np.r_[0:3, 4:len(self.model.base)]].any())

    def test_random_heads_and_expressions_are_targets_of_the_file(self):
        g = np.random.default_rng(2)
        identity, expression = self.model.random_identity(g), self.model.random_expression(g)
        self.assertTrue(set(identity) | set(expression) <= set(self.model.names))
        self.assertAlmostEqual(sum(w for n, w in identity.items() if 'universal' not in n and n.startswith('macro')), 1, places=5)
        self.assertEqual(len({name.split('/')[2] for name in expression}), 1)

    def test_turned_eyes_leave_the_rest_alone(self):
        turned = self.model.turn_eyes(self.model.mean, 20, 0)
        eyes = np.concatenate(self.model.eyes)
        self.assertGreater(np.abs(turned - self.model.mean)[eyes].max(), 0.01)
        np.testing.assert_array_equal(np.delete(turned, eyes, 0), np.delete(self.model.mean, eyes, 0))


class ScannedHeadTest(Temporary):
    def test_landmarks_lie_on_the_surface_where_the_network_sees_them(self):
        mean = head(4)
        first = types.SimpleNamespace(mean=mean.astype(np.float32), landmarks=LANDMARKS, template=mean[:68, :2] * 9.6 + 112)
        side = 41
        x, y = np.meshgrid(np.linspace(-3, 3, side), np.linspace(3, -3, side))
        depth = -0.15 * (x ** 2 + y ** 2) + 7
        corner = np.array([r * side + c for r in range(side - 1) for c in range(side - 1)])
        triangles = np.concatenate([np.c_[corner, corner + side, corner + 1], np.c_[corner + 1, corner + side, corner + side + 1]])
        with open(os.path.join(self.folder, 'scanned_head.json'), 'w') as handle:
            json.dump(dict(v=np.c_[x.ravel(), y.ravel(), depth.ravel()].ravel().tolist(), uv=np.tile(0.5, side * side * 2).tolist(), t=triangles.ravel().tolist()), handle)
        cv2.imwrite(os.path.join(self.folder, 'scanned_head.jpg'), np.full((16, 16, 3), 200, np.uint8))

        def network(images, rois):
            # Landmarks at shares of what is brighter than the grey around the head: they follow it as it is scaled and moved.
            rows, columns = np.where(np.abs(images[0].astype(int) - 128).max(2) > 4)
            low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
            mesh = np.zeros((468, 3), np.float32)
            shares = (mean[:68, :2] + 4.5) / 9 * 0.5 + 0.25
            mesh[LANDMARKS68, :2] = low + shares * (high - low)
            return [mesh]

        model = ScannedHead(self.folder, first, network)
        points, goal = model.mean[model.landmarks], mean[:68]
        np.testing.assert_allclose(points.mean(0), goal.mean(0), atol=0.3)
        spread = lambda p: np.linalg.norm((p - p.mean(0))[:, :2])
        self.assertAlmostEqual(spread(points) / spread(goal), 1, delta=0.05)
        surface = model.mean[:len(x.ravel())]
        for point in points[::7]:
            near = surface[np.argmin(((surface - point)[:, :2] ** 2).sum(1))]
            self.assertLess(abs(point[2] - near[2]), 0.4)
        self.assertEqual(len(model.mean), side * side + 68)
        self.assertTrue((points[:, 2].min() >= surface[:, 2].min() - 1e-3))


class LevelsTest(Temporary):
    def test_the_command_line_offers_what_there_is(self):
        self.assertEqual(set(cli.LEVELS), set(levels.LEVELS))
        self.assertEqual(cli.DEFAULT_LEVELS, levels.DEFAULT)

    def test_views_of_one_stream_draw_the_same_pairs(self):
        written = []
        for level in ('turned-far', 'turned-400', 'other'):
            maker = FakeMaker()
            maker.stream = 'turned' if level != 'other' else None
            folder = os.path.join(self.folder, level)
            shards.write_set(folder, maker, 'test', level, 1, 2, log=lambda *_: None)
            written.append(shards.PairSet(folder).batch(np.arange(2)))
        np.testing.assert_array_equal(written[0]['i1'], written[1]['i1'])
        self.assertFalse(np.array_equal(written[0]['i1'], written[2]['i1']))


class DepthStudyTest(Temporary):
    def test_slope_is_the_share_of_the_turn(self):
        x = np.tile(np.arange(SIZE) - 112.0, (SIZE, 1))
        truth = np.stack([0 * x, 0 * x, 0.2 * x], -1)
        found, chosen = truth * 0.9 + 5, np.abs(x) < 60
        self.assertAlmostEqual(dz_slope(found, truth, chosen), 0.9, places=9)
        self.assertTrue(np.isnan(dz_slope(found, truth * 0, chosen)))

    def test_two_files_of_one_name_are_told_apart(self):
        self.assertEqual([label for label, _ in labels(['a/depth.safetensors', 'b/depth.safetensors', 'c/other.safetensors'])],
                         ['a/depth.safetensors', 'b/depth.safetensors', 'other.safetensors'])

    def test_rows_of_a_set_whose_meshes_know_the_motion(self):
        folder, cache = self.write_set(4, 2), os.path.join(self.folder, 'cache')
        net = nets.DFFNet(0.1, 4).eval()
        with torch.no_grad():
            net.predict[-1].weight.zero_()
            net.predict[-1].bias.zero_()
        first = study_set(net, 'a', {}, folder, cache, fake_canonical(), print)
        self.assertLess(first[MESH]['epe3d'], 0.02)
        self.assertGreater(first[NETWORK]['dz'], 0.3)
        kept = os.path.join(cache, 'set', os.listdir(os.path.join(cache, 'set'))[0])
        before = os.stat(kept).st_mtime_ns
        again = study_set(net, 'a', {}, folder, cache, fake_canonical(), print)
        self.assertEqual(os.stat(kept).st_mtime_ns, before)
        self.assertAlmostEqual(again[NETWORK]['dz'], first[NETWORK]['dz'], places=2)
        study_set(net, 'b', {}, folder, cache, fake_canonical(), print)
        self.assertNotEqual(os.stat(kept).st_mtime_ns, before)


if __name__ == '__main__':
    unittest.main()
