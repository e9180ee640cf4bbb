import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { applySimilarityToPoints, DeepFaceFlow, type FaceFrame, moveMesh } from '../src/index.js'
import { judgePhotos } from './judge-peer.js'
import { mean } from './real-metrics.js'
import { correlation, slope } from './video-metrics.js'

/**
 * npm run eval -- mesh [folders]: whether meshes of photos see chin, lips and lids. Mesh A, and mesh B, to which the flow moves it, against the
 * landmarks of their frames; as the mesh network has them and as landmarks lead them. Of mesh A the latter is so by construction; with `--peer`
 * both are compared with MediaPipe's FaceLandmarker.
 */

/** Vertices compared by the distance of their places. */
const PARTS: Readonly<Record<string, readonly number[]>> = {
  chin: [152],
  'jaw by the chin': [148, 149, 377, 378],
  'corners of the mouth': [61, 291],
  'outer lips': [39, 37, 0, 267, 269, 405, 314, 17, 84, 181],
  'inner lips': [82, 13, 312, 317, 14, 87],
  lids: [160, 159, 158, 144, 145, 153, 385, 386, 387, 380, 374, 373],
}
/** Gaps compared by their width, and by its change from A to B. */
const GAPS: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  'gap of the lips': [[13, 14]],
  'gap of the lids': [
    [159, 145],
    [386, 374],
  ],
}

/** 468x3 each, template px of its frame. */
interface Compared {
  readonly truthA: Float32Array
  readonly truthB: Float32Array
  readonly meshes: Readonly<Record<Kind, readonly [a: Float32Array, b: Float32Array]>>
}
const KINDS = ['as the mesh network has it', 'led by landmarks'] as const
type Kind = (typeof KINDS)[number]

export async function evaluateMesh(args: readonly string[]): Promise<void> {
  const command = new Command('eval mesh')
    .description('Places of chin, lips and lids in the meshes of photos.')
    .argument('[folders...]', 'folders of frames, a clip each')
    .option('--peer <folder>', 'as of eval judge: compared with its points in place of our landmarks')
    .option('--chromium <path>', 'the browser that the peer runs in', '/usr/bin/chromium')
    .option('--every <count>', 'of the frames of a clip, every so many', '1')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const options = command.opts<{ peer?: string; chromium: string; every: string; adapter?: string }>()
  const folders = command.args.length > 0 ? command.args : [join('test', 'fixtures', 'eval', 'talking')]
  const faceFlow = await DeepFaceFlow.create(
    options.adapter === undefined ? {} : { adapter: options.adapter },
  )
  try {
    const compared: Compared[] = []
    for (const folder of folders) {
      const names = (await readdir(folder)).filter((name) => /\.(jpg|png)$/.test(name)).sort()
      const photos = names
        .filter((_, i) => i % Number(options.every) === 0)
        .map((name) => resolve(folder, name))
      const peers = options.peer && (await judgePhotos(options.peer, options.chromium, photos))
      const frames: { readonly face: FaceFrame; readonly truth: Float32Array }[] = []
      for (const [i, photo] of photos.entries()) {
        const [face] = await faceFlow.detect(photo)
        const points = peers ? peers[i]?.points.slice(0, 468).flat() : face?.landmarks468
        if (face === undefined || points === undefined) continue
        frames.push({ face, truth: applySimilarityToPoints(face.toTemplate, Float32Array.from(points), 3) })
      }
      const [first, ...later] = frames
      for (const frame of later) compared.push(await compare(faceFlow, frame, first as (typeof frames)[0]))
    }
    console.log(report(compared).join('\n'))
    const against = options.peer === undefined ? 'our landmarks' : "MediaPipe's FaceLandmarker"
    console.log(`\n${compared.length} pairs, against ${against}; adapter: ${faceFlow.adapter}`)
  } finally {
    faceFlow.dispose()
  }
}

async function compare(
  faceFlow: DeepFaceFlow,
  a: { readonly face: FaceFrame; readonly truth: Float32Array },
  b: { readonly face: FaceFrame; readonly truth: Float32Array },
): Promise<Compared> {
  const result = await faceFlow.flowRegistered(a.face, b.face, { backward: false })
  // Pixels alone have no landmarks: their mesh is the network's.
  const alone = await faceFlow.flowRegistered(a.face.registered, b.face.registered, { backward: false })
  const { mesh } = moveMesh(alone.meshA, result.flow, result.mask, result.depth)
  return {
    truthA: a.truth,
    truthB: b.truth,
    meshes: {
      'as the mesh network has it': [alone.meshA, mesh],
      'led by landmarks': [result.meshA, result.meshB],
    },
  }
}

function report(compared: readonly Compared[]): string[] {
  const lines = [
    '| | distance in A, px | distance in B, px |',
    '|---|---|---|',
    ...Object.entries(PARTS).flatMap(([part, vertices]) =>
      KINDS.map((kind) => {
        const [inA, inB] = compared.reduce<[number[], number[]]>(
          (all, { truthA, truthB, meshes }) => {
            all[0].push(...distances(meshes[kind][0], truthA, vertices))
            all[1].push(...distances(meshes[kind][1], truthB, vertices))
            return all
          },
          [[], []],
        )
        return `| ${part}, ${kind} | ${mean(inA).toFixed(2)} | ${mean(inB).toFixed(2)} |`
      }),
    ),
    '',
    '| | error of the width in A, px | of its change to B: followed | r | error, px | the true change, mean and largest |',
    '|---|---|---|---|---|---|',
  ]
  for (const [name, pairs] of Object.entries(GAPS)) {
    for (const kind of KINDS) {
      const rows = compared.flatMap(({ truthA, truthB, meshes }) =>
        pairs.map((pair) => {
          const [inA, inB] = meshes[kind].map((mesh) => apart(mesh, pair)) as [number, number]
          const [trueA, trueB] = [apart(truthA, pair), apart(truthB, pair)]
          return { inA: Math.abs(inA - trueA), found: inB - inA, truth: trueB - trueA }
        }),
      )
      const [found, truth] = [rows.map((row) => row.found), rows.map((row) => row.truth)]
      const error = mean(rows.map((row) => Math.abs(row.found - row.truth)))
      const sizes = truth.map(Math.abs)
      lines.push(
        `| ${name}, ${kind} | ${mean(rows.map((row) => row.inA)).toFixed(2)} | ${(100 * slope(found, truth)).toFixed(0)} % | ` +
          `${correlation(found, truth).toFixed(2)} | ${error.toFixed(2)} | ${mean(sizes).toFixed(1)}, ${Math.max(...sizes).toFixed(1)} |`,
      )
    }
  }
  return lines
}

function distances(mesh: Float32Array, truth: Float32Array, vertices: readonly number[]): number[] {
  return vertices.map((v) => between(mesh, v, truth, v))
}

function apart(mesh: Float32Array, [upper, lower]: readonly [number, number]): number {
  return between(mesh, upper, mesh, lower)
}

/** In the plane. */
function between(a: Float32Array, v: number, b: Float32Array, w: number): number {
  return Math.hypot(
    (a[3 * v] as number) - (b[3 * w] as number),
    (a[3 * v + 1] as number) - (b[3 * w + 1] as number),
  )
}
