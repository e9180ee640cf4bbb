"""Real pairs without ground truth: photometric residual of every method on registered frames of one talker, and a sheet to look at."""
import cv2
import numpy as np
import torch

from .baselines import Baselines
from .batches import normalise
from .encoding import encode
from .evaluation import load_network
from .geometry import warp_by_flow
from .goldens import registered_frames
from .nets import FLOW_UNIT
from .registered_meshes import registered_meshes
from .regressor import MeshRegressor
from .sheet import colour_depth, colour_flow, residual, write_sheet
from .template import load_template

_METHODS = ('zero', 'mesh difference', 'DIS + mesh dz')
_RANGE = 12.0  # px at full colour


def _network_flow(net, i1, i2, channels):
    first = lambda image: torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        out = net(*normalise(first(i1) / 255, first(i2) / 255, first(channels)[:, :3 + net.prior]))[-1]
    return (out[0] * FLOW_UNIT).permute(1, 2, 0).numpy()


def photometric(i1, i2, flow, mask):
    """Mean |I1 - I2 warped| of lightly smoothed pictures on the mask, 0..255, after the best common gain and offset of each channel."""
    smooth = lambda image: cv2.GaussianBlur(image, (0, 0), 1).astype(np.float32)
    a, b = smooth(i1)[mask], warp_by_flow(smooth(i2), flow)[mask]
    spread = b.std(0) + 1e-3
    b = (b - b.mean(0)) * (a.std(0) / spread) + a.mean(0)
    return float(np.abs(a - b).mean())


def evaluate_real(args, log):
    """Consecutive frames, both ways; prints residuals and the forward-backward error of the network, writes the sheet."""
    regressor = MeshRegressor(args.assets)
    frames = registered_frames(args.frames, regressor, load_template())
    meshes = registered_meshes(args.assets).of_images(frames)
    net, name = load_network(args.weights)
    classical, rows, errors, consistency = Baselines(regressor.canonical), [], {}, []
    for a in range(len(frames) - 1):
        flows_of = {}
        for source, target in ((a, a + 1), (a + 1, a)):
            channels, mask = encode(meshes[source], meshes[target], regressor.canonical)
            flows, _ = classical.flows(frames[source], frames[target], meshes[source], meshes[target])
            flows = {method: flows[method] for method in _METHODS}
            flows[name] = _network_flow(net, frames[source], frames[target], channels) * mask[..., None]
            inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
            for method, flow in flows.items():
                errors.setdefault(method, []).append(photometric(frames[source], frames[target], flow, inner))
            flows_of[source] = flows, channels, inner
        flows, channels, inner = flows_of[a]
        back = flows_of[a + 1][0][name]
        consistency.append(np.linalg.norm(flows[name][..., :2] + warp_by_flow(back, flows[name])[..., :2], axis=2)[inner].mean())
        ours, i1, i2 = flows[name], frames[a], frames[a + 1]
        rows.append(np.hstack([
            i1, i2, (channels[..., :3] * 255).astype(np.uint8), colour_flow(flows['DIS + mesh dz'], _RANGE), colour_flow(flows['mesh difference'], _RANGE),
            colour_flow(ours, _RANGE), colour_depth(flows['mesh difference'][..., 2], _RANGE), colour_depth(ours[..., 2], _RANGE),
            residual(i1, i2, flows['zero'], inner), residual(i1, i2, flows['DIS + mesh dz'], inner), residual(i1, i2, ours, inner)]))
    for method, values in errors.items():
        log(f'{method}: photometric residual {np.mean(values):.2f} of 255')
    log(f'{name}: forward-backward error in 2D {np.mean(consistency):.2f} px')
    write_sheet(args.out, rows)
