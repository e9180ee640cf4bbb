import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { Command } from 'commander'
import { sampleMasked } from '../src/geometry/masked-sample.js'
import { type EulerAngles, eulerAngles, multiply, transposed } from '../src/geometry/rotation.js'
import { applySimilarity, invertSimilarity } from '../src/geometry/similarity.js'
import { fitSimilarity3 } from '../src/geometry/similarity3.js'
import { DeepFaceFlow, FaceError, type FlowResult, type VideoTracker } from '../src/index.js'
import { judgePhotos, type PeerFace } from './judge-peer.js'
import { mean } from './real-metrics.js'
import { correlation, EYES, MOUTH, opening, slope } from './video-metrics.js'

/**
 * npm run eval -- judge --peer FOLDER [clips]: what a face landmarker of others says. Its points of frame A, moved by the flow, against its
 * points of frame B: how far lids and lips open and close; and how far the head turns, against its own pose. A is the first
 * frame of a clip, B each of the others.
 */
interface Judged {
  readonly clip: string
  /** Of the pair: the peer's of A and B, of A moved by the flow, and of the product's own landmarks in A and B. */
  readonly openings: Readonly<Record<Part, Readonly<Record<Source, number>>>>
  /** Of B against A, degrees. */
  readonly turns: Readonly<Record<'peer' | 'flow' | 'landmarks', EulerAngles>>
}

const PARTS = { mouth: MOUTH, eyes: EYES } as const
type Part = keyof typeof PARTS
type Source = 'peerA' | 'peerB' | 'flow' | 'ownA' | 'ownB'

export async function evaluateJudge(args: readonly string[]): Promise<void> {
  const command = new Command('eval judge')
    .description("Openings of lids and lips and the head's turn, judged by MediaPipe's FaceLandmarker.")
    .argument('[folders...]', 'folders of frames, a clip each')
    .requiredOption(
      '--peer <folder>',
      'where npm has installed @mediapipe/tasks-vision and playwright-core, with face_landmarker.task (the float16 bundle that ' +
        "MediaPipe's documentation of the face landmarker offers) beside node_modules",
    )
    .option('--chromium <path>', 'the browser that the landmarker runs in', '/usr/bin/chromium')
    .option('--every <count>', 'of the frames of a clip, every so many', '1')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const { peer, chromium, every, adapter } = command.opts<{
    peer: string
    chromium: string
    every: string
    adapter?: string
  }>()
  const folders = command.args.length > 0 ? command.args : [join('test', 'fixtures', 'eval', 'talking')]
  const faceFlow = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  try {
    const judged: Judged[] = []
    for (const folder of folders) {
      const names = (await readdir(folder)).filter((name) => /\.(jpg|png)$/.test(name)).sort()
      const photos = names.filter((_, i) => i % Number(every) === 0).map((name) => resolve(folder, name))
      const faces = await judgePhotos(peer, chromium, photos)
      judged.push(...(await judgeClip(faceFlow, basename(folder), photos, faces)))
    }
    console.log(report(judged).join('\n'))
    console.log(`\n${judged.length} pairs of ${folders.length} clips; adapter: ${faceFlow.adapter}`)
  } finally {
    faceFlow.dispose()
  }
}

async function judgeClip(
  faceFlow: DeepFaceFlow,
  clip: string,
  photos: readonly string[],
  faces: readonly (PeerFace | null)[],
): Promise<Judged[]> {
  const tracker = faceFlow.video({ flows: 'reference', backward: false, smooth: false })
  const [first = '', ...later] = photos
  await tracker.start(first)
  const peerA = faces[0]
  if (!peerA) throw new TypeError(`${first} shows the peer no face`)
  const judged: Judged[] = []
  for (const [i, photo] of later.entries()) {
    const result = await nextOf(tracker, photo)
    const peerB = faces[i + 1]
    if (!peerB || result === null) continue
    const moved = movedPoints(peerA, result)
    const flat = (face: PeerFace) => face.points.flat()
    const openingsOf = (part: Part): Record<Source, number> => {
      const size = (points: ArrayLike<number>) => opening(points, PARTS[part])
      return {
        peerA: size(flat(peerA)),
        peerB: size(flat(peerB)),
        flow: size(moved),
        ownA: size(result.a.landmarks468),
        ownB: size(result.b.landmarks468),
      }
    }
    const landmarks = fitSimilarity3(result.a.landmarks468, result.b.landmarks468)
    judged.push({
      clip,
      openings: { mouth: openingsOf('mouth'), eyes: openingsOf('eyes') },
      turns: {
        peer: eulerAngles(multiply(peerB.rotation, transposed(peerA.rotation))),
        flow: result.rigidPhoto.angles,
        landmarks: eulerAngles(landmarks.rotation),
      },
    })
  }
  return judged
}

/** Null where the face is not found. */
async function nextOf(tracker: VideoTracker<'reference'>, photo: string): Promise<FlowResult | null> {
  try {
    return (await tracker.next(photo)).frameToReference
  } catch (error) {
    if (error instanceof FaceError && error.code === 'NO_FACE') return null
    throw error
  }
}

/** Vertices of the edges of lips and lids, and one beyond each on the same lip or lid. */
const BEHIND: ReadonlyMap<number, number> = new Map([
  [13, 0],
  [14, 17],
  [159, 27],
  [145, 23],
  [386, 257],
  [374, 253],
])
/** Where the flow of an edge is read, template px behind it: in a shut mouth one pixel is the edge of both lips. */
const INWARD = 2

/** The peer's points of A where the flow leads them, photo px of B, x, y and 0. */
function movedPoints({ points }: PeerFace, { a, b, flow, mask }: FlowResult): Float64Array {
  const toPhoto = invertSimilarity(b.toTemplate)
  const motion = new Float64Array(3)
  const out = new Float64Array(points.length * 3)
  const place = (v: number): [number, number] => {
    const [x = 0, y = 0] = points[v] ?? []
    return applySimilarity(a.toTemplate, x, y)
  }
  points.forEach((_, v) => {
    const [x, y] = place(v)
    const [u, w] = place(BEHIND.get(v) ?? v)
    const share = INWARD / Math.max(Math.hypot(u - x, w - y), INWARD)
    sampleMasked(flow, 3, mask, x + share * (u - x), y + share * (w - y), motion)
    out.set(applySimilarity(toPhoto, x + (motion[0] as number), y + (motion[1] as number)), 3 * v)
  })
  return out
}

function report(judged: readonly Judged[]): string[] {
  const lines = [
    '| change of the opening, A to B | followed | r | error | the peer’s own, mean and largest |',
    '|---|---|---|---|---|',
  ]
  for (const part of Object.keys(PARTS) as Part[]) {
    const openings = judged.map((pair) => pair.openings[part])
    const truth = openings.map(({ peerA, peerB }) => peerB - peerA)
    const sizes = truth.map(Math.abs)
    const rows: [string, number[]][] = [
      ['flow', openings.map(({ peerA, flow }) => flow - peerA)],
      ['landmarks of both frames', openings.map(({ ownA, ownB }) => ownB - ownA)],
      ['no motion', truth.map(() => 0)],
    ]
    for (const [name, found] of rows) {
      const error = mean(found.map((value, i) => Math.abs(value - (truth[i] as number))))
      const r = name === 'no motion' ? '-' : correlation(found, truth).toFixed(2)
      const spread = `${mean(sizes).toFixed(3)}, ${Math.max(...sizes).toFixed(3)}`
      lines.push(
        `| ${part}, ${name} | ${(100 * slope(found, truth)).toFixed(0)} % | ${r} | ${error.toFixed(4)} | ${spread} |`,
      )
    }
  }
  lines.push(
    '',
    '| turn of the head, degrees | followed | r | error | the peer’s own, mean and largest |',
    '|---|---|---|---|---|',
  )
  for (const angle of ['yaw', 'pitch', 'roll'] as const) {
    const truth = judged.map(({ turns }) => turns.peer[angle])
    for (const source of ['flow', 'landmarks'] as const) {
      const found = judged.map(({ turns }) => turns[source][angle])
      const error = mean(found.map((value, i) => Math.abs(value - (truth[i] as number))))
      const sizes = truth.map(Math.abs)
      const spread = `${mean(sizes).toFixed(1)}, ${Math.max(...sizes).toFixed(1)}`
      lines.push(
        `| ${angle}, ${source} | ${(100 * slope(found, truth)).toFixed(0)} % | ${correlation(found, truth).toFixed(2)} | ${error.toFixed(2)} | ${spread} |`,
      )
    }
  }
  return lines
}
