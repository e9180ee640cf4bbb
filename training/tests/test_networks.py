"""Tests that need no material: networks, correlations, losses."""
import unittest

import numpy as np
import torch
import torch.nn.functional as F

import support  # noqa: F401, I001  (puts the package on the path)
from deepfaceflow_training import nets
from deepfaceflow_training.geometry import SIZE
from deepfaceflow_training.loss import endpoint_loss
from deepfaceflow_training.matching import NORM_EPSILON, correlation, local_correlation, warp
from deepfaceflow_training.metrics import FlowErrors


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
        torch.manual_seed(0)
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
            torch.testing.assert_close(narrow(image, other, code)[-1], wide(image, other, code)[-1], rtol=1e-3, atol=1e-4)

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
