"""3DMeshReg: MediaPipe's plain 468-vertex face landmark network (Apache-2.0) in PyTorch, and the canonical mesh that goes with it.

Graph and canonical mesh are read from the asset file of the npm package @mediapipe/face_mesh@0.4.1657299874 at run time. Weights: those of the package, or,
on registered frames, the ones that `tune-regressor` made of them.
"""
import os

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import safetensors
from .geometry import fit_similarity
from .tflite import TfliteError, read_model

ASSETS = 'face_mesh_solution_packed_assets.data'
NETWORK_BYTES = (2495952, 3737848)
GEOMETRY_BYTES = (3737848, 3757224)
INPUT_SIZE = 192
# The 468-vertex indices of the 68 landmarks, iBUG order (jaw, brows, nose, eyes, mouth).
LANDMARKS68 = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87])


_WEIGHTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'weights')
SHIPPED = os.path.join(_WEIGHTS, 'mesh-regressor.safetensors')
TUNED = os.path.join(_WEIGHTS, 'registered-mesh-regressor.safetensors')


class MissingMaterial(FileNotFoundError):
    """A file that the command needs is not where the command line says."""


def read_assets(path):
    """Bytes of the asset file; `path` is the file or the folder of the unpacked npm package."""
    file = os.path.join(path, ASSETS) if os.path.isdir(path) else path
    try:
        with open(file, 'rb') as handle:
            data = handle.read()
    except OSError as error:
        raise MissingMaterial(f'{file}: {error.strerror}. Unpack it with `npm pack @mediapipe/face_mesh@0.4.1657299874`.') from error
    if len(data) < GEOMETRY_BYTES[1]:
        raise TfliteError(f'{file}: {len(data)} bytes, expected at least {GEOMETRY_BYTES[1]}; the file is damaged or of another version')
    return data


class _Prelu(torch.autograd.Function):
    """PReLU with one slope per channel. PyTorch's own backward is a third of a tuning step, on channels_last memory three times as slow as this."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x, slope)
        return F.prelu(x, slope)

    @staticmethod
    def backward(ctx, gradient):
        x, slope = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        negative = gradient.mul(x < 0)
        return gradient.addcmul(negative, slope.reshape(1, -1, 1, 1) - 1), negative.mul_(x).sum((0, 2, 3))


class MeshNet(nn.Module):
    """Runs the operators of the TFLite graph."""

    def __init__(self, model):
        super().__init__()
        self.steps, self.constants = [], {}
        alias = {}
        for op in model.operators:
            if op.kind == 'DEQUANTIZE':
                alias[op.outputs[0]] = op.inputs[0]
        constant = lambda i: model.tensors[alias.get(i, i)].data
        for op in model.operators:
            if op.kind == 'DEQUANTIZE':
                continue
            inputs = [i for i in op.inputs if constant(i) is None]
            values = [constant(i) for i in op.inputs if constant(i) is not None]
            self.steps.append((op.kind, inputs, op.outputs[0], op.options, self._register(len(self.steps), op.kind, values)))
        self.input, self.outputs = model.inputs[0], model.outputs
        last_use = {}
        for position, (_, inputs, *_rest) in enumerate(self.steps):
            for i in inputs:
                last_use[i] = position
        self.last_use = last_use

    def trainable(self):
        """Turn the constants of all layers into parameters."""
        for name, value in list(self.named_buffers()):
            if value.is_floating_point():
                delattr(self, name)
                self.register_parameter(name, nn.Parameter(value.clone()))
        return self

    def layer_names(self, shipped):
        """Own name -> name in the engine's weight files. shipped: tensors of weights/mesh-regressor.safetensors, whose values tell the layers apart;
        to be called while this network still has the package's weights. A bias goes with its weight, for several are zero."""
        own = {name: value.numpy().ravel() for name, value in self.state_dict().items() if value.is_floating_point()}
        names = {}
        for name, value in shipped.items():
            if not name.endswith('.bias'):
                flat = value.astype(np.float32).ravel()
                match, = (key for key, candidate in own.items() if np.array_equal(candidate, flat))
                names[match] = name
                if name.endswith('.weight'):
                    names[match[:-1] + '1'] = name[:-len('weight')] + 'bias'
        return names

    def _register(self, index, kind, values):
        tensors = [torch.from_numpy(np.array(v, np.float32 if v.dtype == np.float16 else v.dtype)) for v in values]
        if kind == 'CONV_2D':  # O kh kw I -> O I kh kw
            tensors[0] = tensors[0].permute(0, 3, 1, 2)
        elif kind == 'DEPTHWISE_CONV_2D':  # 1 kh kw C -> C 1 kh kw
            tensors[0] = tensors[0].permute(3, 0, 1, 2)
        names = []
        for number, tensor in enumerate(tensors):
            names.append(f'c{index}_{number}')
            self.register_buffer(names[-1], tensor.contiguous())
        return names

    def forward(self, image):
        """image (n, 3, 192, 192) in [0, 1] -> (n, 468, 3): x, y, z in input px; (n,): logit that there is a face."""
        values = {self.input: image.contiguous(memory_format=torch.channels_last)}
        for position, (kind, inputs, output, options, names) in enumerate(self.steps):
            x, constants = values[inputs[0]], [getattr(self, name) for name in names]
            values[output] = self._run(kind, x, [values[i] for i in inputs], constants, options)
            for i in inputs:
                if self.last_use[i] == position and i in values and i not in self.outputs:
                    del values[i]
        vertices, flag = (values[i] for i in self.outputs)
        return vertices.reshape(len(image), 468, 3), flag.reshape(len(image))

    @staticmethod
    def _run(kind, x, inputs, constants, options):
        if kind in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
            weight, bias = constants
            stride, size = options['stride'], weight.shape[2]
            if options['same'] and size > 1:  # TFLite pads an odd remainder at the end
                total = [max((-(-n // s) - 1) * s + size - n, 0) for n, s in zip(x.shape[2:], stride)]
                x = F.pad(x, (total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2))
            return F.conv2d(x, weight, bias, stride, groups=len(weight) if kind == 'DEPTHWISE_CONV_2D' else 1)
        if kind == 'PRELU':
            return _Prelu.apply(x, constants[0].reshape(-1))
        if kind == 'ADD':
            return inputs[0] + inputs[1]
        if kind == 'MAX_POOL_2D':
            return F.max_pool2d(x, options['window'], options['stride'])
        if kind == 'PAD':  # channels only in this network
            return F.pad(x, (0, 0, 0, 0, *constants[0][3].tolist()))
        raise TfliteError(f'operator {kind} is not supported')


class CanonicalMesh:
    """The mean 468-vertex face in our frame (x right, y down, z away), cm; `triangles` (898, 3)."""

    def __init__(self, data):
        mesh = _messages(data)[1][0]
        fields = _messages(mesh)
        vertex_floats = np.frombuffer(b''.join(fields[3]), '<f4').reshape(468, 5)
        self.vertices = (vertex_floats[:, :3] * np.array([1, -1, -1], np.float32)).copy()
        self.uv = vertex_floats[:, 3:].copy()
        self.triangles = np.array(fields[4], np.int32).reshape(-1, 3)
        self.low, self.high = self.vertices.min(0), self.vertices.max(0)
        self.colours = (self.vertices - self.low) / (self.high - self.low)  # the NCC of every vertex


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _messages(data):
    """Fields of one protobuf message: number -> list of raw values."""
    fields, at = {}, 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            length, at = _varint(data, at)
            value, at = data[at:at + length], at + length
        elif wire == 5:
            value, at = data[at:at + 4], at + 4
        else:
            raise TfliteError(f'protobuf wire type {wire} is not expected in the canonical mesh')
        fields.setdefault(key >> 3, []).append(value)
    return fields


class MeshRegressor:
    """image + region of interest -> 468 vertices in image px (z in the same px, positive away from the camera)."""

    def __init__(self, assets, tuned=None):
        """tuned: weights in the engine's names to use in place of the package's."""
        data = read_assets(assets)
        self.net = MeshNet(read_model(data[slice(*NETWORK_BYTES)])).eval()
        if tuned is not None:
            names, values = self.net.layer_names(safetensors.load(SHIPPED)[0]), safetensors.load(tuned)[0]
            state = {own: torch.from_numpy(values[name].astype(np.float32)) for own, name in names.items()}
            self.net.load_state_dict({own: value.reshape(self.net.state_dict()[own].shape) for own, value in state.items()}, strict=False)
        self.canonical = CanonicalMesh(data[slice(*GEOMETRY_BYTES)])

    def __call__(self, images, rois):
        """images: list of HxWx3 uint8; rois: list of (cx, cy, side, angle in radians). Returns (n, 468, 3) float32."""
        raw = self._run(images, rois)[0].numpy()
        out = np.empty_like(raw)
        for vertices, roi, target in zip(raw, rois, out):
            cx, cy, side, angle = roi
            scale = side / INPUT_SIZE
            x, y = ((vertices[:, :2] - INPUT_SIZE / 2) * scale).T
            c, s = np.cos(angle), np.sin(angle)
            target[:] = np.stack([cx + c * x - s * y, cy + s * x + c * y, scale * vertices[:, 2]], 1)
        return out

    def _run(self, images, rois):
        crops = np.stack([crop(image, roi) for image, roi in zip(images, rois)])
        with torch.no_grad():
            return self.net(torch.from_numpy(crops).permute(0, 3, 1, 2).float().div_(255))

    def face_logit(self, image, roi):
        """The network's own judgement whether the region shows a face: above 0 it says so, on clear portraits it is 10 and more."""
        return float(self._run([image], [roi])[1])

    def track(self, image, points):
        """Mesh of a photo whose face is roughly known by 68 landmarks (68, 2) px: MediaPipe's own region, refined twice."""
        roi = region_of(points, np.arctan2(*(points[45] - points[36])[::-1]), 1.6)
        return self.refine(image, self([image], [roi])[0])

    def refine(self, image, mesh, rounds=2):
        """Repeat with the region that MediaPipe takes from a mesh when it tracks. Returns the mesh and its region."""
        for _ in range(rounds):
            roi = region_of(mesh[:, :2], np.arctan2(*(mesh[263] - mesh[33])[:2][::-1]), 1.5)
            mesh = self([image], [roi])[0]
        return mesh, roi


def region_of(points, angle, scale):
    """Square region: box of the points along the eye line, long side times `scale`."""
    c, s = np.cos(angle), np.sin(angle)
    turned = points @ np.array([[c, -s], [s, c]])
    low, high = turned.min(0), turned.max(0)
    centre = np.array([[c, -s], [s, c]]) @ ((low + high) / 2)
    return float(centre[0]), float(centre[1]), float((high - low).max() * scale), float(angle)


def crop(image, roi, size=INPUT_SIZE):
    """Bilinear crop of a turned square region, black outside; large regions are averaged first."""
    cx, cy, side, angle = roi
    scale = side / size
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    half = size / 2
    matrix = np.array([[c, -s, cx - c * half + s * half], [s, c, cy - s * half - c * half]])
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # OpenCV puts pixel centres at integers
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT)


def register(mesh, template):
    """Similarity that brings the 68 landmarks of a mesh onto the template (68, 2): 2x3 matrix and scale."""
    return fit_similarity(mesh[LANDMARKS68, :2].astype(np.float64), template)
