"""Tests that need no material: labels, disturbances and figures of the occlusion network, and that its training goes on where it stopped."""
import os
import types
import unittest

import numpy as np
import torch

import support
from deepfaceflow_training import occlusion_training, safetensors
from deepfaceflow_training.geometry import SIZE
from deepfaceflow_training.occlusion import CHANNELS, OcclusionNet, folded, load_occlusion_net, mirrored
from deepfaceflow_training.occlusion_training import COUNTS, IS_HIDDEN, IS_RIGHT, ON_MESH, Found, balanced_limit, labels, loss_of, train_occlusion
from deepfaceflow_training.pairs import HIDDEN, VISIBLE

quiet = lambda *_: None


class NetworkTest(unittest.TestCase):
    def test_of_mirrored_inputs_pictures_turn_and_sideways_flows_change_their_sign(self):
        x = torch.randn(2, CHANNELS, 8, 8)
        turned = mirrored(x.clone())
        self.assertTrue(torch.equal(turned[:, 0], x[:, 0].flip(2)))
        for flow in (5, 13):
            self.assertTrue(torch.equal(turned[:, flow], -x[:, flow].flip(2)))
            self.assertTrue(torch.equal(turned[:, flow + 1], x[:, flow + 1].flip(2)))
        self.assertTrue(torch.equal(mirrored(turned), x))

    def test_contrasts_become_part_of_the_first_layer(self):
        net = OcclusionNet(contrasts=True).eval()
        torch.nn.init.normal_(net.occlusion.out.weight)
        x = torch.randn(1, CHANNELS, 16, 16)
        with torch.no_grad():
            self.assertLess(float((net(x) - folded(net)(x)).abs().max() / net(x).abs().max()), 0.01)

    def test_a_point_that_is_seen_has_no_contrasts(self):
        x = torch.randn(1, CHANNELS, 4, 4)
        x[:, 8:] = x[:, :8]
        x[:, 13:] = -x[:, 5:8]
        x[:, 11] = x[:, 3] + x[:, 7] * 20 / 100
        contrasts = torch.einsum('ij,njhw->nihw', OcclusionNet(contrasts=True).contrasts, x)
        self.assertLess(float(contrasts[:, 8:].abs().max()), 1e-5)

    def test_has_the_size_of_the_frames(self):
        self.assertEqual(OcclusionNet()(torch.zeros(1, CHANNELS, 32, 48)).shape, (1, 2, 64, 96))


class LabelTest(unittest.TestCase):
    def test_count_the_face_where_the_truth_is_known(self):
        flow, truth = np.zeros((1, 1, 6, 3), np.float16), np.zeros((1, 1, 6, 3), np.float16)
        flow[..., 0] = [3, 3, 3, 3, 0, 3]
        truth[..., 0] = [3.5, 5, 3, 3, 3, 3]
        truth[..., 2] = 9
        state = np.array([[[VISIBLE, HIDDEN, 0, 3, VISIBLE, VISIBLE]]], np.uint8)
        mask = np.array([[[1, 1, 1, 1, 1, 0]]], np.uint8)
        found = labels(flow, truth, state, mask)[0, 0]
        self.assertEqual([bool(v & COUNTS) for v in found], [True, True, False, False, False, True])
        self.assertEqual(found[0], COUNTS | IS_RIGHT | ON_MESH)
        self.assertEqual(found[1], COUNTS | IS_HIDDEN | ON_MESH)
        self.assertEqual(found[5], COUNTS | IS_RIGHT)

    def test_what_does_not_count_changes_no_loss(self):
        label = torch.full((1, 4, 4), COUNTS, dtype=torch.uint8)
        label[0, 0] = IS_HIDDEN
        logits = torch.randn(1, 2, 4, 4)
        other = logits.clone()
        other[:, :, 0] += 5
        self.assertEqual(float(loss_of(logits, label)), float(loss_of(other, label)))


class FiguresTest(unittest.TestCase):
    def found(self, hidden, right, bits):
        found = Found()
        probabilities = np.stack([np.array(hidden), np.array(right)])[None, :, None].astype(np.float32)
        found.add(probabilities, np.array(bits, np.uint8)[None, None])
        return found

    def test_precision_and_recall_at_a_limit(self):
        on = COUNTS | ON_MESH
        found = self.found([0.9, 0.8, 0.3, 0.1], [0.5] * 4, [on | IS_HIDDEN, on, on | IS_HIDDEN, on])
        self.assertEqual(found.at(0.5), (0.5, 0.5))
        self.assertEqual(found.at(0.85), (1.0, 0.5))
        self.assertEqual(found.at(0.2), (2 / 3, 1.0))

    def test_pixels_off_the_mesh_do_not_count(self):
        found = self.found([0.9, 0.9], [0.5] * 2, [COUNTS | IS_HIDDEN, COUNTS | ON_MESH | IS_HIDDEN])
        self.assertEqual(found.hidden.sum(), 1)

    def test_calibration_sets_confidence_against_what_is_right(self):
        on = COUNTS | ON_MESH
        found = self.found([0] * 4, [0.751] * 4, [on | IS_RIGHT, on | IS_RIGHT, on, on])
        self.assertAlmostEqual(found.calibration_error(), 0.2525, delta=0.003)

    def test_the_limit_calls_as_many_hidden_as_are(self):
        on, g = COUNTS | ON_MESH, np.random.default_rng(0)
        said = g.random(20000)
        hidden = g.random(20000) < said
        found = self.found(said, said, np.where(hidden, on | IS_HIDDEN, on))
        precision, recall = found.at(balanced_limit([found]))
        self.assertAlmostEqual(precision, recall, delta=0.01)


class TrainingTest(support.Temporary):
    def write_inputs(self, count=4):
        folder = self.write_set(count, count)
        seen = os.path.join(self.folder, 'seen', 'set')
        os.makedirs(seen)
        g = np.random.default_rng(3)
        part = os.path.join(seen, 'shard-00000-000')
        np.save(part + '.inputs.npy', g.normal(0, 0.5, (count, SIZE // 2, SIZE // 2, CHANNELS)).astype(np.float16))
        np.save(part + '.flow.npy', np.full((count, SIZE, SIZE, 3), 1, np.float16))
        np.save(part + '.mask.npy', np.ones((count, SIZE, SIZE), np.uint8))
        return folder

    def args(self, folder, out, steps):
        return types.SimpleNamespace(sets=[folder], tests=[folder], inputs=os.path.join(self.folder, 'seen'), out=os.path.join(self.folder, out), lr=1e-3, steps=steps,
                                     minutes=None, batch=2, seed=0, threads=1, test_every=1000, provenance='test')

    def test_goes_on_where_it_stopped_and_writes_what_it_measured(self):
        folder = self.write_inputs()
        kept, occlusion_training.SAVE_EVERY = occlusion_training.SAVE_EVERY, 2
        self.addCleanup(setattr, occlusion_training, 'SAVE_EVERY', kept)
        args, lines = self.args(folder, 'a.safetensors', 2), []
        train_occlusion(args, quiet)
        args.steps = 4
        train_occlusion(args, lines.append)
        self.assertTrue(any('going on from step 2' in line for line in lines))
        tensors, metadata = safetensors.load(args.out)
        self.assertEqual(metadata['network'], 'occlusion')
        self.assertTrue(0 <= float(metadata['limit']) <= 1)
        self.assertIn('calibration_error', metadata['measured'])
        self.assertEqual(len(load_occlusion_net(args.out).state_dict()), len(tensors))

    def test_inputs_that_were_not_written_are_named(self):
        folder = self.write_inputs()
        args = self.args(folder, 'a.safetensors', 1)
        args.inputs = os.path.join(self.folder, 'nothing')
        with self.assertRaises(OSError):
            train_occlusion(args, quiet)
        os.makedirs(os.path.join(args.inputs, 'set'))
        with self.assertRaisesRegex(ValueError, 'occlusion-inputs'):
            train_occlusion(args, quiet)


if __name__ == '__main__':
    unittest.main()
