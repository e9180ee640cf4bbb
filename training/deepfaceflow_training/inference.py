"""Running a network on sets of pairs, f32 or bf16, as the product does: full resolution, zero outside the mesh."""
import numpy as np
import torch

from .batches import normalise, to_inputs
from .metrics import FlowErrors
from .nets import FLOW_UNIT

BATCH = 16


def predict(net, fields, canonical, bf16=False):
    """Stacked fields -> (flow (n, 224, 224, 3) float32 px, face mask of the mesh (n, 224, 224) bool)."""
    i1, i2, encoding, *_ = to_inputs(fields, canonical, 3 + net.prior)
    mask, device = (encoding[:, :3].sum(1) > 0).numpy(), next(net.parameters()).device
    with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        out = net(*(x.to(device) for x in normalise(i1, i2, encoding)))[-1]
    flow = (out.float().cpu() * FLOW_UNIT).permute(0, 2, 3, 1).numpy() * mask[..., None]
    return flow, mask


def evaluate(net, pairs, canonical, limit=None, bf16=False):
    """Summary of the errors over the first `limit` pairs of a PairSet."""
    errors, count = FlowErrors(), min(limit or len(pairs), len(pairs))
    training = net.training
    net.eval()
    for start in range(0, count, BATCH):
        fields = pairs.batch(np.arange(start, min(count, start + BATCH)))
        for flow, mask, truth, state in zip(*predict(net, fields, canonical, bf16), fields['flow'], fields['state']):
            errors.add(flow, truth, state, mask)
    net.train(training)
    return errors.summary()
