"""The network that reads coefficients: the mesh of a registered frame, its eyes and brows, its mouth and cheeks; and the same of the person at rest, where there is a picture of it.

    mesh (468 x 3)  -> linear map ------------------------+
    eyes (96 x 48)  -> convolutions -> fully connected ---+-> features f --> [f, known (f - f at rest), known] -> fully connected -> 51 coefficients
    mouth (80 x 64) -> convolutions -> fully connected ---+                                                                       -> 51 logits of confidence
                                                                                                                                       -> with f: yaw, pitch, roll

The linear map is found by ridge regression and principal components before and stays as it is. Frame and mirror image are both looked at and averaged."""
import cv2
import numpy as np
import torch
import torch.nn as nn

from . import safetensors
from .coefficients import NAMES, mirrored_order
from .geometry import SIZE

# Part of the registered frame -> (left, top, px of the frame to a px of the crop, columns, rows).
CROPS = dict(eyes=(40.0, 44.0, 1.5, 96, 48), mouth=(48.0, 104.0, 1.6, 80, 64))
CHANNELS, KERNELS, NARROW, FEATURES = (16, 40, 80, 128), (5, 3, 3, 3), 32, 48
COMPONENTS = 16  # principal components of the mesh beside what ridge regression makes of it
HIDDEN = 256
SLOPE = 0.1
POSITION_UNIT = 100.0  # px
COUNT = len(NAMES)
MIRRORED_POSE = (-1.0, 1.0, -1.0)  # signs of yaw, pitch and roll in a mirror image
POSE_UNIT = 30.0  # degrees
CONFIDENT = 0.15  # confidence is the probability that a coefficient is off by no more


def crop_matrix(name):
    """2x3, px of the crop -> px of the registered frame, centres at integer + 0.5."""
    left, top, scale, _, _ = CROPS[name]
    return np.array([[scale, 0, left], [0, scale, top]])


def crops_of(frame, move=None):
    """Registered frame (224, 224, 3) u8 -> name -> (rows, columns, 3) u8; move: 2x3, where a px of the frame looks."""
    out = {}
    for name, (_, _, _, columns, rows) in CROPS.items():
        matrix = crop_matrix(name)
        if move is not None:
            matrix = np.c_[move[:, :2] @ matrix[:, :2], move[:, :2] @ matrix[:, 2] + move[:, 2]]
        matrix = matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
        out[name] = cv2.warpAffine(frame, matrix, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT)
    return out


def mirror(move=np.eye(2, 3)):
    """Where a px of the mirror image of a frame, moved, looks in the frame itself."""
    return np.array([[-1], [1]]) * move + [[0, 0, SIZE], [0, 0, 0]]


def crop_tensor(crops):
    """(n, rows, columns, 3) u8 -> (n, 3, rows, columns) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def mesh_tensor(meshes):
    """(n, 468, 3) px -> (n, 1404) about the frame's middle."""
    return (torch.from_numpy(np.asarray(meshes, np.float32)) - torch.tensor([SIZE / 2, SIZE / 2, 0])).div(POSITION_UNIT).flatten(1)


class Look(nn.Module):
    """Convolutions over a crop. Their outputs are normalised over the batch in training, which becomes part of the convolutions in the weight file."""

    def __init__(self, columns, rows):
        super().__init__()
        inputs = (3, *CHANNELS)
        self.conv = nn.ModuleList(nn.Conv2d(i, o, k, 2, k // 2) for i, o, k in zip(inputs, CHANNELS, KERNELS))
        self.norm = nn.ModuleList(nn.BatchNorm2d(channels) for channels in CHANNELS)
        self.narrow = nn.Conv2d(CHANNELS[-1], NARROW, 1)
        self.full = nn.Linear(NARROW * (columns // 16) * (rows // 16), FEATURES)
        self.act = nn.LeakyReLU(SLOPE)

    def forward(self, x):
        for conv, norm in zip(self.conv, self.norm):
            x = self.act(norm(conv(x)))
        return self.act(self.full(self.act(self.narrow(x)).flatten(1)))

    def fold(self):
        """The normalisation as part of the convolutions, for good."""
        with torch.no_grad():
            for conv, norm in zip(self.conv, self.norm):
                factor = norm.weight / (norm.running_var + norm.eps).sqrt()
                conv.bias.copy_(factor * (conv.bias - norm.running_mean) + norm.bias)
                conv.weight.mul_(factor[:, None, None, None])
        self.norm = nn.ModuleList(nn.Identity() for _ in self.conv)

    def unfold(self, x):
        """The inverse, for training on from a weight file: normalisations that change nothing on crops like x."""
        with torch.no_grad():
            for conv, norm in zip(self.conv, self.norm):
                x = conv(x)
                variance, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(variance)
                norm.weight.copy_((variance + norm.eps).sqrt())
                norm.bias.copy_(mean)
                x = self.act(x)


class CoefficientNet(nn.Module):
    def __init__(self, mesh_features):
        super().__init__()
        self.mesh = nn.Linear(468 * 3, mesh_features)
        self.eyes = Look(*CROPS['eyes'][3:])
        self.mouth = Look(*CROPS['mouth'][3:])
        features = mesh_features + 2 * FEATURES
        self.hidden = nn.Linear(2 * features + 1, HIDDEN)
        self.out = nn.Linear(HIDDEN, COUNT)
        self.confidence = nn.Linear(HIDDEN, COUNT)
        self.pose = nn.Linear(HIDDEN + features, 3)
        self.act = nn.LeakyReLU(SLOPE)

    def features(self, mesh, eyes, mouth, bf16=False):
        """bf16: of the looks; a mesh is told to a hundredth of a px."""
        with torch.autocast('cpu', torch.bfloat16, enabled=bf16):
            seen = [self.eyes(eyes), self.mouth(mouth)]
        return torch.cat([self.mesh(mesh), *(x.float() for x in seen)], 1)

    def head(self, features, rest, known):
        """features, rest (n, f); known (n, 1), 0 or 1 -> coefficients before they are held in [0, 1], logits of confidence, (yaw, pitch, roll) / POSE_UNIT."""
        x = self.act(self.hidden(torch.cat([features, known * (features - rest), known], 1)))
        return self.out(x), self.confidence(x), self.pose(torch.cat([x, features], 1))

    def widen_from(self, state):
        """Take over a network of fewer channels (state: its tensors, normalisation folded): the new ones look at random at what is there, and nothing listens to them yet."""
        own = self.state_dict()
        old, new = len(state['hidden.bias']), self.hidden.out_features
        self.pose.weight.data[:, :old], self.pose.weight.data[:, old:new], self.pose.weight.data[:, new:] = state['pose.weight'][:, :old], 0, state['pose.weight'][:, old:]
        for name, value in state.items():
            if name == 'pose.weight':  # of hidden numbers, then features
                continue
            whole, there = own[name], tuple(slice(size) for size in value.shape)
            if value.dim() > 1:
                whole[:, value.shape[1]:] = 0
            whole[there] = value


MIRRORED = mirrored_order()


def state_of(path):
    """Tensors of a weight file as the network has them, normalisation folded."""
    tensors, _ = safetensors.load(path)
    state = {}
    for name, value in tensors.items():
        array = value.astype(np.float32)
        if name.endswith('full.weight'):
            _, _, _, columns, rows = CROPS[name.split('.')[0]]
            array = array.reshape(len(array), rows // 16, columns // 16, -1).transpose(0, 3, 1, 2).reshape(len(array), -1)
        state[name] = torch.from_numpy(np.ascontiguousarray(array))
    return state
