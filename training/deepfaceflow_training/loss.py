"""The two terms of the training loss: masked 3D endpoint error over the seven scales, and occlusion-aware photoconsistency."""
import torch
import torch.nn.functional as F

from .matching import warp
from .nets import FLOW_UNIT

SCALE_WEIGHTS = (0.12, 0.12, 0.12, 0.14, 0.18, 0.25, 0.5)  # coarsest to finest
HIDDEN_WEIGHT = 0.8  # of face pixels that are not seen in B, against 1 for visible ones
_EPSILON = 1e-4  # smooths the norm at zero, in squared flow units
_PHOTO_EPSILON = 1e-2


def endpoint_loss(flows, target, visible, face):
    """flows: seven (n, 3, h, w) in flow units; target (n, 3, s, s) in flow units; visible, face (n, 1, s, s) in {0, 1}. Result in px."""
    weight, total = face * (HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * visible), 0
    for flow, scale_weight in zip(flows, SCALE_WEIGHTS):
        size = flow.shape[-2:]
        if size == target.shape[-2:]:
            goal, mask = target, weight
        else:
            coarse = F.adaptive_avg_pool2d(weight, size)
            goal = F.adaptive_avg_pool2d(target * weight, size) / coarse.clamp_min(1e-6)
            mask = (coarse > 0.5).float() if min(size) > 6 else coarse  # tiny maps have hardly a pixel that is all face
        error = ((flow.float() - goal).pow(2).sum(1, keepdim=True) + _EPSILON).sqrt()
        total = total + scale_weight * (error * mask).sum() / mask.sum().clamp_min(1)
    return total * FLOW_UNIT


def photoconsistency_loss(flow, i1, i2, visible):
    """Charbonnier difference of I1 and the warped I2 over visible pixels, each first divided by its local brightness so that a change of
    light between the frames costs little. flow (n, 3, s, s) in px of the pictures, which are as the network gets them."""
    moved = warp(i2, flow.float(), 'border')
    local = lambda x: x - F.avg_pool2d(x, 9, 1, 4, count_include_pad=False)
    difference = (local(i1.float()) - local(moved)).pow(2).mean(1, keepdim=True)
    return ((difference + _PHOTO_EPSILON ** 2).sqrt() * visible).sum() / visible.sum().clamp_min(1)
