"""Contact sheets of pairs and flows, to be looked at."""
import cv2
import numpy as np

from .encoding import encode
from .geometry import warp_by_flow
from .pairs import VISIBLE

_STATE_GREY = np.array([0, 255, 128, 50], np.uint8)  # no face, visible, hidden in B, covered in A
FLOW_RANGE = 20.0  # px at full colour


def colour_flow(flow, limit=FLOW_RANGE):
    """Hue = direction, brightness = length of (dx, dy)."""
    hue = (np.arctan2(flow[..., 1], flow[..., 0]) / np.pi * 90 + 90).astype(np.uint8)
    value = np.clip(np.hypot(flow[..., 0], flow[..., 1]) / limit * 255, 0, 255).astype(np.uint8)
    return cv2.cvtColor(np.stack([hue, np.full_like(hue, 255), value], -1), cv2.COLOR_HSV2RGB)


def colour_depth(dz, limit=FLOW_RANGE):
    """Red: moves away from the camera; blue: comes nearer."""
    k = np.clip(dz / limit, -1, 1)[..., None]
    return (np.where(k > 0, [255, 60, 40], [40, 90, 255]) * np.abs(k)).astype(np.uint8)


def residual(i1, i2, flow, mask):
    """|I1 - I2 warped by the flow| x 3 on the mask."""
    difference = np.abs(i1.astype(int) - warp_by_flow(i2, flow))
    return np.where(mask[..., None], np.clip(difference * 3, 0, 255), 0).astype(np.uint8)


def pair_row(pair, canonical):
    """I1, I2, PNCC, flow, dz, mesh-difference flow, I2 warped by the true flow, its residual, state."""
    channels, mask = encode(pair['mesh_a'], pair['mesh_b'], canonical)
    flow = pair['flow'].astype(np.float32)
    visible = pair['state'] == VISIBLE
    warped = np.where(visible[..., None], warp_by_flow(pair['i2'], flow), 0)
    return np.hstack([
        pair['i1'], pair['i2'], (channels[..., :3] * 255).astype(np.uint8), colour_flow(flow), colour_depth(flow[..., 2]),
        colour_flow(channels[..., 3:6] * FLOW_RANGE) * mask[..., None], warped, residual(pair['i1'], pair['i2'], flow, visible),
        np.repeat(_STATE_GREY[pair['state']][..., None], 3, 2)])


def write_sheet(path, rows):
    cv2.imwrite(path, np.vstack(rows)[..., ::-1])


def clean_residual(maker, generators):
    """Median |I1 - I2 warped by the true flow| over visible pixels of clean pairs: the check that the ground truth is right."""
    medians = []
    for g in generators:
        pair = maker.make(g, clean=True)
        visible = pair.state == VISIBLE
        medians.append(np.median(np.abs(pair.i1.astype(np.float32) - warp_by_flow(pair.i2, pair.flow))[visible]))
    return float(np.mean(medians))
