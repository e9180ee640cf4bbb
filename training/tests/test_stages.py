"""Tests that need no material: what follows DFFNet, refinement and depth from motion."""
import os
import unittest
from types import SimpleNamespace

import numpy as np
import torch

from support import SQUARE, SQUARE_TRIANGLES, Temporary, fake_canonical  # noqa: I001  (puts the package on the path)
from deepfaceflow_training import nets, safetensors
from deepfaceflow_training.depth import DepthFromMotion, load_depth, look_up, plane_share, with_depth
from deepfaceflow_training.depth_training import Pool, Trained, leaning, mirrored, observations, save
from deepfaceflow_training.geometry import SIZE
from deepfaceflow_training.rasteriser import Raster
from deepfaceflow_training.refinement import refined


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
            inputs, changes = torch.randn(300, 468 * (9 if prior else 6)), torch.randn(300, 468, 3)
            trained = Trained(inputs, changes, prior, torch.linspace(0, 1, 468) if prior else None).eval()
            torch.nn.init.normal_(trained.layers[-1].weight, 0, 0.05)
            path = os.path.join(self.folder, 'depth.safetensors')
            save(path, trained, 'dffnet', 300, 'test')
            net = load_depth(path)
            with torch.no_grad():
                wanted, got = trained(trained.project(inputs[:20])), net(inputs[:20].view(20, 468, -1))
            self.assertEqual((bool(prior), 3 if prior else 1), (bool(net.prior), net.outputs))
            self.assertEqual(got.shape, (20, 468, 3))
            self.assertEqual(got[:, 0 if prior else slice(None), :2].abs().max(), 0)
            self.assertLess((got - wanted).abs().max() / wanted.abs().max(), 0.02)  # f16

    def test_training_goes_on_from_what_a_file_says(self):
        torch.manual_seed(2)
        inputs = torch.randn(300, 468 * 9)
        trained = Trained(inputs, torch.randn(300, 468, 3), 4).eval()
        torch.nn.init.normal_(trained.layers[-1].weight, 0, 0.05)
        torch.nn.init.normal_(trained.layers[-1].bias, 0, 0.05)
        path = os.path.join(self.folder, 'depth.safetensors')
        save(path, trained, 'dffnet-m', 300, 'test')
        again = Trained.continued(load_depth(path)).eval()
        with torch.no_grad():
            wanted, got = (one(one.project(inputs[:20])) for one in (trained, again))
        self.assertLess((got - wanted).abs().max() / wanted.abs().max(), 0.02)  # f16
        self.assertEqual(again.basis.shape, trained.basis.shape)
        self.assertTrue(all(p.requires_grad for p in again.layers.parameters()))

    def test_a_network_of_dz_alone_learns_the_plane_from_zero(self):
        torch.manual_seed(3)
        inputs, changes, share = torch.randn(300, 468 * 9), torch.randn(300, 468, 3), torch.linspace(0, 1, 468)
        trained = Trained(inputs, changes, 4).eval()
        torch.nn.init.normal_(trained.layers[-1].weight, 0, 0.05)
        with torch.no_grad():
            before = trained(trained.project(inputs[:20]))
            trained.with_plane(changes, share)
            torch.testing.assert_close(trained(trained.project(inputs[:20])), before)
            torch.nn.init.normal_(trained.layers[-1].weight, 0, 0.05)
        path = os.path.join(self.folder, 'depth.safetensors')
        save(path, trained, 'dffnet-m', 300, 'test')
        again = Trained.continued(load_depth(path)).eval()
        with torch.no_grad():
            wanted, got = (one(one.project(inputs[:20])) for one in (trained, again))
        self.assertGreater(wanted[..., :2].abs().max(), 0.1)
        self.assertLess(got[:, 0, :2].abs().max(), 1e-5)
        self.assertLess((got - wanted).abs().max() / wanted.abs().max(), 0.02)  # f16

    def test_lids_and_lips_stay_where_landmarks_lead_them(self):
        vertices = np.zeros((468, 3), np.float32)
        vertices[1, 1], vertices[10, 1], vertices[152, 1] = 0.5, 1.1, 9  # cm from all others, among them lids and lips
        share = plane_share(SimpleNamespace(vertices=vertices))
        self.assertEqual([float(share[vertex]) for vertex in (159, 145, 13, 14, 61, 0, 1, 152)], [0] * 7 + [1])
        self.assertAlmostEqual(float(share[10]), 0.5, 5)

    def test_truth_leans_on_the_mesh_along_z_alone(self):
        g = np.random.default_rng(0)
        seen = dict(mesh_a=g.normal(0, 3, (2, 468, 3)).astype(np.float32), mesh_b=g.normal(0, 3, (2, 468, 3)).astype(np.float32), truth=g.normal(0, 3, (2, 468, 3)).astype(np.float16))
        out, wanted = leaning(seen, 0.25)['truth'], seen['truth'].astype(np.float32)
        np.testing.assert_array_equal(out[..., :2], wanted[..., :2])
        np.testing.assert_allclose(out[..., 2], 0.75 * wanted[..., 2] + 0.25 * (seen['mesh_b'] - seen['mesh_a'])[..., 2], atol=1e-5)
        np.testing.assert_array_equal(leaning(seen, 0)['truth'], wanted)

    def test_weights_are_averaged_with_where_training_began(self):
        trained = Trained(torch.randn(300, 468 * 9), torch.randn(300, 468, 3), 4).eval()
        start = {name: value.clone() for name, value in trained.layers.state_dict().items()}
        with torch.no_grad():
            trained.layers[3].bias += 1
        trained.averaged(start, 0.7)
        torch.testing.assert_close(trained.layers[3].bias, start['3.bias'] + 0.7)
        torch.testing.assert_close(trained.layers[0].weight, start['0.weight'])

    def test_passes_hold_all_pairs_some_reversed_and_some_turned_further(self):
        g = np.random.default_rng(0)
        seen = dict(mesh_a=g.uniform(0, 224, (50, 468, 3)).astype(np.float32), mesh_b=g.uniform(0, 224, (50, 468, 3)).astype(np.float32),
                    motion=g.normal(0, 3, (50, 468, 3)).astype(np.float16), seen=np.ones((50, 468), bool), truth=g.normal(0, 3, (50, 468, 3)).astype(np.float16),
                    weight=np.ones((50, 468), np.float32))
        order = np.arange(468)
        drawn = list(Pool([(seen, True)], 0.5, order).draw(np.random.default_rng(1), 16))
        self.assertTrue(all(len(part['weight']) == 16 for part in drawn[:-1]))
        drawn = {name: np.concatenate([part[name] for part in drawn]) for name in seen}
        count = len(drawn['weight'])
        self.assertTrue(50 + 25 <= count <= 50 + 25 + 30)
        whole = lambda mesh: {a.tobytes() for a in np.concatenate([mesh, mirrored(dict(seen, mesh_a=mesh), order)['mesh_a']])}
        firsts = [a.tobytes() for a in drawn['mesh_a']]
        self.assertEqual(sum(a in whole(seen['mesh_b']) for a in firsts), count - 75)  # reversed: the second mesh comes first
        self.assertEqual(sum(a in whole(seen['mesh_a']) for a in firsts), 75)
        with self.assertRaises(ValueError):
            Pool([(seen, False)], 0.5, order)
        self.assertEqual(len(Pool([(seen, False)], 0, order)), 50)

    def test_dz_changes_on_the_mesh_alone_by_what_the_network_says(self):
        net = DepthFromMotion(4, 8, 16)
        torch.nn.init.zeros_(net.depth['4'].weight)
        net.depth['4'].bias.data[:] = 0.1
        flow = np.full((1, SIZE, SIZE, 3), 2, np.float32)
        out = with_depth(net, flow, self.mesh[None], self.mesh[None], self.canonical)
        covered = self.raster.covered[None]
        np.testing.assert_allclose(out[covered], [[2, 2, 4]] * covered.sum(), atol=1e-5)
        np.testing.assert_array_equal(out[~covered], flow[~covered])
        net = DepthFromMotion(4, 8, 16, 3)
        torch.nn.init.zeros_(net.depth['4'].weight)
        net.depth['4'].bias.data[:] = torch.tensor([0.1, -0.1, 0.2]).repeat(468)
        np.testing.assert_allclose(with_depth(net, flow, self.mesh[None], self.mesh[None], self.canonical)[covered], [[4, 0, 6]] * covered.sum(), atol=1e-5)
