"""Tests that need no material: python3 -m unittest discover -s tests (in training/)."""
import json
import os
import shutil
import sys
import tempfile
import types
import unittest

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from deepfaceflow_training import nets, safetensors, shards  # noqa: E402
from deepfaceflow_training.batches import Stream, augment, still, to_inputs  # noqa: E402
from deepfaceflow_training.depth import DepthFromMotion, load_depth, look_up, with_depth  # noqa: E402
from deepfaceflow_training.depth_training import Trained, observations, save  # noqa: E402
from deepfaceflow_training.geometry import SIZE, apply_similarity, fit_similarity  # noqa: E402
from deepfaceflow_training.loss import endpoint_loss  # noqa: E402
from deepfaceflow_training.matching import NORM_EPSILON, correlation, local_correlation, warp  # noqa: E402
from deepfaceflow_training.metrics import FlowErrors  # noqa: E402
from deepfaceflow_training.pairs import HIDDEN  # noqa: E402
from deepfaceflow_training.rasteriser import Raster, trace_flow  # noqa: E402
from deepfaceflow_training.refinement import refined  # noqa: E402
from deepfaceflow_training.registered_meshes import RegisteredMeshes, Views  # noqa: E402
from deepfaceflow_training.regressor_tuning import tuning_loss  # noqa: E402
from deepfaceflow_training.rendered import mixed  # noqa: E402
from deepfaceflow_training.train import Settings, Trainer  # noqa: E402

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
        return types.SimpleNamespace(i1=picture, i2=picture, state=state, flow=flow, mesh_a=mesh, mesh_b=mesh + shift, pose=np.zeros(6, np.float32))


class Temporary(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def write_set(self, count=8, shard_size=4):
        folder = os.path.join(self.folder, 'set')
        shards.write_set(folder, FakeMaker(), 'train', 'rendered', 1, count, shard_size, log=lambda *_: None)
        return folder


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


class NetworkTest(unittest.TestCase):
    def test_up_convolution_is_a_transposed_convolution(self):
        torch.manual_seed(0)
        up = nets.UpConv(5, 3)
        torch.nn.init.normal_(up.weight)
        torch.nn.init.normal_(up.bias)
        x = torch.randn(2, 5, 7, 6)
        expected = torch.nn.functional.leaky_relu(torch.nn.functional.conv_transpose2d(x, up.weight, up.bias, 2, 1), nets.SLOPE)
        torch.testing.assert_close(up(x), expected, atol=1e-5, rtol=1e-4)

    def test_correlation_is_cosine_similarity_at_the_displacement(self):
        torch.manual_seed(0)
        a, b = torch.randn(1, 16, 9, 9), torch.randn(1, 16, 9, 9)
        out = correlation(a, b, 2)
        unit = lambda v: v / (v.pow(2).mean() + NORM_EPSILON).sqrt()
        expected = (unit(a[0, :, 4, 3]) * unit(b[0, :, 5, 1])).mean()  # displacement (dy, dx) = (1, -2)
        self.assertAlmostEqual(float(out[0, (1 + 2) * 5 + (-2 + 2), 4, 3]), float(expected), places=5)
        self.assertEqual(float(out[0, 0, 0, 0]), 0.0)

    def test_activation_has_the_gradient_of_leaky_relu(self):
        x = torch.randn(2, 16, 8, 8, requires_grad=True)
        y = torch.randn(2, 16, 8, 8)
        found, = torch.autograd.grad((nets.activate(x * 1)[:, 3:9] * y[:, 3:9]).sum(), x)
        expected, = torch.autograd.grad((torch.nn.functional.leaky_relu(x, nets.SLOPE)[:, 3:9] * y[:, 3:9]).sum(), x)
        torch.testing.assert_close(found, expected)

    def test_another_network_of_the_family_starts_with_the_same_flow(self):
        source = nets.build('dffnet-m-coarse').eval()
        image, other, code = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64), torch.rand(1, 7, 64, 64)
        code[:, 3:] = 0
        with torch.no_grad():
            expected = source(image, other, code)[-1]
            for name in ('dffnet-m', 'dffnet', 'dffnet-coarse'):
                net = nets.build(name).eval()
                missing, unexpected = net.load_state_dict(nets.adapted(source.state_dict(), net), strict=False)
                self.assertTrue(all(key.startswith('match') for key in missing))
                self.assertFalse(unexpected)
                torch.testing.assert_close(net(image, other, code[:, :3 + net.prior])[-1], expected, rtol=1e-4, atol=1e-5)

    def test_a_narrower_network_starts_with_the_channels_that_matter(self):
        wide, narrow = nets.build('dffnet-m').eval(), nets.build('dffnet-m-small').eval()
        state, small = wide.state_dict(), narrow.state_dict()
        for name, bias in state.items():
            layer, kind = name.rsplit('.', 1)
            if kind == 'bias' and len(bias) > len(small[name]):
                idle = torch.randperm(len(bias))[:len(bias) - len(small[name])]
                bias[idle] = 0
                (state[f'{layer}.weight'].transpose(0, 1) if layer.startswith('up.') else state[f'{layer}.weight'])[idle] = 0
        wide.load_state_dict(state)
        narrow.load_state_dict(nets.adapted(state, narrow))
        image, other, code = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64), torch.rand(1, 7, 64, 64)
        with torch.no_grad():
            torch.testing.assert_close(narrow(image, other, code)[-1], wide(image, other, code)[-1], rtol=1e-3, atol=1e-5)

    def test_local_correlation_is_the_global_one_with_its_gradient(self):
        maps = [torch.randn(2, 16, 20, 12, requires_grad=True) for _ in range(2)]
        weights = torch.randn(2, 49, 20, 12)
        gradients = []
        for function in (correlation, local_correlation):
            found = function(*maps, 3)
            gradients.append((found, *torch.autograd.grad((found * weights).sum(), maps)))
        for expected, found in zip(*gradients):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    def test_warped_features_are_those_at_the_displaced_place(self):
        x = torch.randn(1, 4, 9, 7)
        flow = torch.zeros(1, 3, 9, 7)
        flow[:, 0], flow[:, 1] = 2, -1
        expected = F.pad(x, (0, 2, 1, 0))[:, :, :9, 2:]
        torch.testing.assert_close(warp(x, flow), expected, rtol=1e-4, atol=1e-4)

    def test_seven_scales(self):
        net = nets.DFFNet(0.25, 4)
        with torch.no_grad():
            flows = net(torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 7, SIZE, SIZE))
        self.assertEqual([f.shape[-1] for f in flows], [4, 7, 14, 28, 56, 112, 224])


class TuningTest(Temporary):
    """Of the loss that tunes the mesh network, with a stand-in for the network."""

    def setUp(self):
        super().setUp()
        g = np.random.default_rng(5)
        self.anchors = torch.from_numpy(g.uniform(50, 150, (4, 468, 3)).astype(np.float32))
        flow = np.broadcast_to(np.float32([2, -1, 3]), (2, SIZE, SIZE, 3))
        picture = np.zeros((2, SIZE, SIZE, 3), np.uint8)
        self.fields = dict(i1=picture, i2=picture, flow=flow, state=np.ones((2, SIZE, SIZE), np.uint8))

    def terms(self, meshes):
        return [float(term) for term in tuning_loss(meshes, self.anchors, self.fields)]

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


class LossTest(unittest.TestCase):
    def test_zero_for_the_truth_and_the_error_for_a_shift(self):
        target = torch.zeros(1, 3, 64, 64)
        mask = torch.ones(1, 1, 64, 64)
        flows = [torch.zeros(1, 3, s, s) for s in (1, 2, 4, 8, 16, 32, 64)]
        self.assertLess(float(endpoint_loss(flows, target, mask, mask)), 0.5)
        shifted = [f + torch.tensor([3.0, 4.0, 0.0]).view(1, 3, 1, 1) / nets.FLOW_UNIT for f in flows]
        self.assertAlmostEqual(float(endpoint_loss(shifted, target, mask, mask)), 5 * (0.12 * 3 + 0.14 + 0.18 + 0.25 + 0.5), delta=0.1)

    def test_errors_count_visible_pixels_inside_the_mask(self):
        errors, truth, state = FlowErrors(), np.zeros((4, 4, 3)), np.ones((4, 4), np.uint8)
        flow = np.zeros((4, 4, 3))
        flow[..., 0] = 3
        flow[0, 0], state[0, 0], state[1, 1] = 100, 0, 2
        errors.add(flow, truth, state, np.ones((4, 4), bool))
        summary = errors.summary()
        self.assertAlmostEqual(summary['epe3d'], 3, places=3)
        self.assertAlmostEqual(summary['occluded_share'], 1 / 15, places=6)


class RefinementTest(unittest.TestCase):
    def test_a_shift_that_the_flow_misses_is_found_on_the_mask_alone(self):
        y, x = np.mgrid[:SIZE, :SIZE]
        picture = lambda dx, dy: np.repeat((128 + 50 * np.sin((x - dx) / 5) + 50 * np.cos((y - dy) / 6))[..., None], 3, 2).astype(np.uint8)[None]
        mask = np.zeros((1, SIZE, SIZE), bool)
        mask[:, 40:180, 40:180] = True
        flow = np.zeros((1, SIZE, SIZE, 3), np.float32)
        flow[..., 2] = 7
        out = refined(flow, picture(0, 0), picture(1.5, -1), mask)
        inner = out[0, 60:160, 60:160]
        self.assertLess(np.abs(inner[..., :2] - [1.5, -1]).mean(), 0.15)  # the pull to rest takes some
        np.testing.assert_array_equal(out[..., 2], flow[..., 2])
        np.testing.assert_array_equal(out[~mask], flow[~mask])


class DepthTest(Temporary):
    """Depth from motion on the square: vertices 0 to 3 its corners, 4 in its middle, 5 behind it, the others off it."""

    def setUp(self):
        super().setUp()
        mesh = np.full((468, 3), -50, np.float32)
        mesh[:4] = SQUARE
        mesh[4], mesh[5] = [110, 110, 5], [110, 110, 20]
        self.mesh = mesh
        self.canonical = fake_canonical()
        self.raster = Raster(mesh, SQUARE_TRIANGLES, SIZE)

    def test_flow_is_looked_up_at_seen_vertices(self):
        flow = torch.zeros(1, 3, SIZE, SIZE)
        flow[0, 0], flow[0, 1] = (torch.arange(SIZE) + 0.5)[None, :], (torch.arange(SIZE) + 0.5)[:, None]
        covered = torch.from_numpy(self.raster.covered)[None, None].float()
        depth = torch.from_numpy(np.where(self.raster.covered, self.raster.depth, 0))[None, None]
        motion, seen = look_up(flow, depth, covered, torch.from_numpy(self.mesh)[None])
        self.assertEqual(seen[0, 4:8].tolist(), [True, False, False, False])
        np.testing.assert_allclose(motion[0, 4, :2], [110, 110], atol=1e-4)

    def test_flows_at_the_vertices_are_kept_and_a_missing_shard_is_made_again(self):
        folder, cache = self.write_set(4, 2), os.path.join(self.folder, 'cache')
        net, said = nets.DFFNet(0.1).eval(), []
        seen = observations(net, folder, cache, self.canonical, said.append)
        self.assertEqual(seen['motion'].shape, (4, 468, 3))
        self.assertEqual(len(said), 2)
        self.assertFalse(seen['weight'][:, 6:].any())  # vertices without triangles stand for no pixel
        os.remove(said[0])
        with open(said[1], 'wb') as handle:
            handle.write(b'torn')
        again = observations(net, folder, cache, self.canonical, said.append)
        self.assertEqual(said[2:], said[:2])
        for name, values in seen.items():
            np.testing.assert_array_equal(again[name], values)
        observations(net, folder, cache, self.canonical, said.append)
        self.assertEqual(len(said), 4)
        other = nets.DFFNet(0.1).eval()
        observations(other, folder, cache, self.canonical, said.append)
        self.assertEqual(said[4:], said[:2])

    def test_what_was_trained_is_what_is_saved(self):
        torch.manual_seed(1)
        for prior in (0, 4):
            inputs, changes = torch.randn(300, 468 * (9 if prior else 6)), torch.randn(300, 468)
            trained = Trained(inputs, changes, prior).eval()
            torch.nn.init.normal_(trained.layers[-1].weight, 0, 0.05)
            path = os.path.join(self.folder, 'depth.safetensors')
            save(path, trained, 'dffnet', 300, 'test')
            net = load_depth(path)
            with torch.no_grad():
                wanted, got = trained(trained.project(inputs[:20])), net(inputs[:20].view(20, 468, -1))
            self.assertEqual(bool(prior), bool(net.prior))
            self.assertLess((got - wanted).abs().max() / wanted.abs().max(), 0.02)  # f16

    def test_dz_changes_on_the_mesh_alone_by_what_the_network_says(self):
        net = DepthFromMotion(4, 8, 16)
        torch.nn.init.zeros_(net.depth['4'].weight)
        net.depth['4'].bias.data[:] = 0.1
        flow = np.full((1, SIZE, SIZE, 3), 2, np.float32)
        out = with_depth(net, flow, self.mesh[None], self.mesh[None], self.canonical)
        covered = self.raster.covered[None]
        np.testing.assert_allclose(out[covered], [[2, 2, 4]] * covered.sum(), atol=1e-5)
        np.testing.assert_array_equal(out[~covered], flow[~covered])


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


class VariedTest(unittest.TestCase):
    def test_two_skins_are_mixed_within_their_range(self):
        first, second = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 200, np.uint8)
        first[:, ::2], second[::2] = 120, 180
        out = mixed(np.random.default_rng(1), first, second)
        self.assertEqual(out.dtype, np.uint8)
        self.assertTrue(95 < out.min() and out.max() < 125)  # the second takes on the first's mean colour
        self.assertGreater(np.abs(out[::2] - out[1::2].astype(int)).max(), 5)
        self.assertGreater(np.abs(out[:, ::2] - out[:, 1::2].astype(int)).max(), 5)


class DataTest(Temporary):
    def test_safetensors_round_trip(self):
        path = os.path.join(self.folder, 'x.safetensors')
        tensors = dict(a=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.float16([1.5]))
        safetensors.save(path, tensors, dict(note='x'))
        found, metadata = safetensors.load(path)
        self.assertEqual(metadata, dict(note='x'))
        for name, array in tensors.items():
            np.testing.assert_array_equal(found[name], array)

    def test_a_truncated_shard_is_skipped_with_a_message(self):
        folder, said = self.write_set(), []
        with open(os.path.join(folder, 'shard-00001', 'flow.npy'), 'r+b') as handle:
            handle.truncate(1000)
        pairs = shards.PairSet(folder, log=said.append)
        self.assertEqual(len(pairs), 4)
        self.assertIn('shard-00001', said[0])

    def test_generation_resumes_and_repeats_itself(self):
        folder = self.write_set()
        before = shards.PairSet(folder).batch(np.arange(8))['i1']
        shutil.rmtree(os.path.join(folder, 'shard-00000'))
        self.write_set()
        np.testing.assert_array_equal(shards.PairSet(folder).batch(np.arange(8))['i1'], before)

    def test_a_stream_continues_from_its_state(self):
        folder = self.write_set()
        stream = Stream(folder, [0])
        for _ in range(3):
            stream.take(3)
        again = Stream(folder, [0], json.loads(json.dumps(stream.state)))
        for _ in range(4):
            np.testing.assert_array_equal(stream.take(3)['flow'], again.take(3)['flow'])

    def test_augmentation_mirrors_flow_and_code(self):
        tensors = to_inputs(shards.PairSet(self.write_set()).batch(np.arange(4)), fake_canonical(), 7)
        mirrored = augment(np.random.default_rng(3), *[x.clone() for x in tensors])
        flipped = [i for i in range(4) if mirrored[3][i, 0, 0, 0] == -tensors[3][i, 0, 0, 0]]
        self.assertTrue(0 < len(flipped) < 4)
        i = flipped[0]
        torch.testing.assert_close(mirrored[3][i, 1:], tensors[3][i, 1:].flip(2))
        torch.testing.assert_close(mirrored[2][i, 3], -tensors[2][i, 3].flip(1))
        inside = tensors[4][i, 0].flip(1) > 0
        torch.testing.assert_close(mirrored[2][i, 0][inside], 1 - tensors[2][i, 0].flip(1)[inside])


    def test_a_still_pair_has_one_frame_and_no_flow(self):
        fields = shards.PairSet(self.write_set(count=64, shard_size=64)).batch(np.arange(64))
        fields['state'][:, :10] = HIDDEN
        fields['i2'] = 255 - fields['i1']
        result = still(np.random.default_rng(1), fields)
        same = (result['i1'] == result['i2']).all((1, 2, 3))
        self.assertTrue(0 < same.sum() < 16)
        self.assertFalse(result['flow'][same].any())
        self.assertFalse((result['state'][same] == HIDDEN).any())
        np.testing.assert_array_equal(result['mesh_a'][same], result['mesh_b'][same])
        np.testing.assert_array_equal(result['flow'][~same], fields['flow'][~same])
        self.assertTrue(fields['flow'][same].any(), 'the fields given stay as they were')


class ResumeTest(Temporary):
    def test_resuming_gives_the_same_weights(self):
        folder = self.write_set()
        settings = dict(network='dffnet-m', sets=[folder, folder], batch=2, window=64, warmup=1, precision='f32', lr=1e-3)
        run = lambda name, steps: Trainer(Settings(out=os.path.join(self.folder, name), steps=steps, **settings), fake_canonical(), lambda *_: None)
        straight = run('a', 4)
        straight.rate = lambda step: 1e-3
        straight.run()
        first = run('b', 2)
        first.rate = straight.rate
        first.run()
        second = run('b', 4)
        self.assertEqual(second.step, 2)
        second.rate = straight.rate
        second.run()
        for name, value in straight.ema.items():
            torch.testing.assert_close(second.ema[name], value, msg=name)

    def test_an_empty_set_is_reported(self):
        os.makedirs(os.path.join(self.folder, 'empty'))
        settings = Settings(out=os.path.join(self.folder, 'c'), sets=[os.path.join(self.folder, 'empty')], steps=2)
        with self.assertRaisesRegex(ValueError, 'no complete shard'):
            Trainer(settings, fake_canonical(), lambda *_: None).run()


if __name__ == '__main__':
    unittest.main()
