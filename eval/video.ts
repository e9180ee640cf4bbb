import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Command } from 'commander'
import { flowPlaces } from '../src/face/register/mesh-lead.js'
import { sampleMasked } from '../src/geometry/masked-sample.js'
import { applySimilarityToPoints } from '../src/geometry/similarity.js'
import { DeepFaceFlow, type FlowResult, type Similarity, type VideoTracker } from '../src/index.js'
import { innerMask, landmarkTransferError, mean } from './real-metrics.js'
import { apart, CHEEKS, EYES, inPhotos, lagOf, MOUTH, opening, type Path, tremble } from './video-metrics.js'

/**
 * npm run eval -- video [folders]: how steady a video is followed, with `smooth` and without, on clips of frames. Without folders on
 * test/fixtures/eval/talking.
 */
interface Options {
  readonly adapter?: string
  readonly json?: string
  readonly frames?: string
}

/** Figures of a clip. Lengths in template px unless they say otherwise. */
export interface VideoFigures {
  /** Second difference of the cheeks in time: in the plane, there in photo px, and dz. */
  readonly cheeks: number
  readonly cheeksInPhoto: number
  readonly cheeksDepth: number
  /** The flows from frame to frame, one after another, against that from the reference, at the last frame. */
  readonly driftDepth: number
  readonly driftPlane: number
  /** Share of the interocular distance. */
  readonly landmarkTransfer: number
}

interface Followed {
  readonly figures: VideoFigures
  readonly openings: { readonly mouth: readonly number[]; readonly eyes: readonly number[] }
}

export async function evaluateVideo(args: readonly string[]): Promise<void> {
  const command = new Command('eval video')
    .description('Steadiness of a face that is followed through a video.')
    .argument('[folders...]', 'folders of frames, a clip each')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .option('--frames <count>', 'of each clip, the first')
    .option('--json <file>', 'also write the figures here')
    .parse(args, { from: 'user' })
  const { adapter, json, frames } = command.opts<Options>()
  const folders = command.args.length > 0 ? command.args : [join('test', 'fixtures', 'eval', 'talking')]
  const faceFlow = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  try {
    const clips: Record<string, unknown>[] = []
    for (const folder of folders) {
      const files = (await readdir(folder)).filter((name) => /\.(jpg|png)$/.test(name)).sort()
      const photos = files.slice(0, frames === undefined ? undefined : Number(frames))
      const follow = async (smooth: boolean) =>
        await followClip(
          faceFlow.video({ backward: false, smooth }),
          photos.map((name) => join(folder, name)),
        )
      const [plain, steady] = [await follow(false), await follow(true)]
      const lags = {
        mouth: lagOf(plain.openings.mouth, steady.openings.mouth),
        eyes: lagOf(plain.openings.eyes, steady.openings.eyes),
      }
      const clip = { clip: basename(folder), frames: photos.length, plain: plain.figures }
      clips.push({ ...clip, steady: steady.figures, lags })
      console.log(rows(clip.clip, photos.length, plain.figures, steady.figures, lags).join('\n'))
    }
    console.log(`adapter: ${faceFlow.adapter}`)
    if (json !== undefined) {
      await mkdir(dirname(json), { recursive: true })
      await writeFile(json, `${JSON.stringify({ adapter: faceFlow.adapter, clips }, undefined, 1)}\n`)
    }
  } finally {
    faceFlow.dispose()
  }
}

async function followClip(tracker: VideoTracker, photos: readonly string[]): Promise<Followed> {
  const [first = '', ...later] = photos
  const reference = await tracker.start(first)
  const places: Similarity[] = [reference.toTemplate]
  const path: Float32Array[] = []
  const composed: Float32Array[] = []
  const transfers: number[] = []
  let inner: Uint8Array = new Uint8Array()
  let seen: number[] = []
  let followed: number[] = []
  let under: Promise<{ readonly frameToFrame: FlowResult; readonly frameToReference: FlowResult }> | undefined
  const take = async () => {
    if (under === undefined) return
    const { frameToFrame, frameToReference } = await under
    const { flow, mask, a, b, meshA, meshB } = frameToReference
    if (path.length === 0) {
      path.push(meshA)
      composed.push(meshA)
      inner = innerMask(mask)
      seen = Array.from({ length: meshA.length / 3 }, (_, v) => v).filter((v) => isInside(meshA, v, inner))
      followed = seen
    }
    path.push(meshB)
    places.push(b.toTemplate)
    const landmarks = [a, b].map(({ toTemplate, landmarks68 }) => [
      ...applySimilarityToPoints(toTemplate, landmarks68, 2),
    ]) as [number[], number[]]
    transfers.push(landmarkTransferError(flow, inner, ...landmarks))
    const next = step(composed.at(-1) as Float32Array, frameToFrame)
    composed.push(next.vertices)
    followed = followed.filter((v) => next.isOnFace[v])
  }
  for (const photo of later) {
    const next = tracker.next(photo)
    await take()
    under = next
  }
  await take()
  const cheeks = CHEEKS.filter((v) => seen.includes(v))
  const openings = (pairs: readonly (readonly [number, number])[]) =>
    path.map((vertices) => opening(vertices, pairs))
  const [last, lastComposed] = [path.at(-1), composed.at(-1)] as [Float32Array, Float32Array]
  return {
    figures: {
      cheeks: tremble(path, cheeks, 3, [0, 1]),
      cheeksInPhoto: tremble(inPhotos(path as Path, places), cheeks, 2, [0, 1]),
      cheeksDepth: tremble(path, cheeks, 3, [2]),
      driftDepth: apart(lastComposed, last, followed, [2]),
      driftPlane: apart(lastComposed, last, followed, [0, 1]),
      landmarkTransfer: mean(transfers),
    },
    openings: { mouth: openings(MOUTH), eyes: openings(EYES) },
  }
}

function isInside(mesh: Float32Array, v: number, mask: Uint8Array): boolean {
  const [x, y] = [Math.floor(mesh[3 * v] as number), Math.floor(mesh[3 * v + 1] as number)]
  return mask[y * Math.sqrt(mask.length) + x] === 1
}

/** Vertices that go where the flow leads, read where meshes of photos read it; those off the face stay. */
function step(
  vertices: Float32Array,
  { flow, mask }: FlowResult,
): { readonly vertices: Float32Array; readonly isOnFace: readonly boolean[] } {
  const moved = vertices.slice()
  const places = flowPlaces(vertices)
  const motion = new Float64Array(3)
  const isOnFace = Array.from({ length: vertices.length / 3 }, (_, v) => {
    const share = sampleMasked(flow, 3, mask, places[3 * v] as number, places[3 * v + 1] as number, motion)
    for (let axis = 0; axis < 3; axis++) {
      moved[3 * v + axis] = (vertices[3 * v + axis] as number) + (motion[axis] as number)
    }
    return share > 0
  })
  return { vertices: moved, isOnFace }
}

function rows(
  clip: string,
  frames: number,
  plain: VideoFigures,
  steady: VideoFigures,
  lags: { readonly mouth: number; readonly eyes: number },
): string[] {
  const cells = (f: VideoFigures) =>
    [f.cheeks, f.cheeksInPhoto, f.cheeksDepth, f.driftDepth, f.driftPlane, 100 * f.landmarkTransfer]
      .map((v) => v.toFixed(2))
      .join(' | ')
  return [
    `| ${clip}, ${frames} frames | cheeks px | in the photo px | dz of cheeks | drift of dz | drift in the plane | landmark transfer % |`,
    '|---|---|---|---|---|---|---|',
    `| smooth: false | ${cells(plain)} |`,
    `| smooth | ${cells(steady)} |`,
    '',
    `frames that smoothed openings come late: mouth ${lags.mouth.toFixed(2)}, eyes ${lags.eyes.toFixed(2)}`,
    '',
  ]
}
