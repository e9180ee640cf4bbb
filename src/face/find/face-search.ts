import { at } from '../../geometry/array.js'
import { composeSimilarity } from '../../geometry/similarity.js'
import type { Box, Similarity } from '../../geometry/types.js'
import type { FaceChoice } from '../types.js'
import { DETECTOR_SIDE } from './anchors.js'
import { type Detection, KEYPOINT } from './decode.js'
import { intersectionOverUnion } from './nms.js'
import { letterbox } from './roi.js'

/** Looks for faces in one view of the photo (photo px -> detector px) and answers in photo px. */
export type ViewDetector = (view: Similarity) => Promise<Detection[]>

export interface SearchResult {
  /** Largest first. */
  readonly detections: Detection[]
  /** The views that were tried, in words, for messages. */
  readonly tried: readonly string[]
}

/** Upside down, a face can pass for an unsure upright one: below this score the turned views are asked too. */
export const SURE_SCORE = 0.8
/** Turned faces are rare: they must be surer by this than upright ones. */
const TURNED_HANDICAP = 0.1

/**
 * Faces of a photo, largest first. The whole photo first; if that shows none, unsure or lying ones, the photo turned
 * by 90, 270 and 180 degrees; then overlapping tiles of a half to an eighth of the longer side, in which small faces
 * come out large enough for the detector. The search stops at the first stage that has found enough.
 * @param enough whether these boxes, largest first, hold what is looked for; default: any face
 */
export async function searchFaces(
  width: number,
  height: number,
  detect: ViewDetector,
  enough: (boxes: readonly Box[]) => boolean = (boxes) => boxes.length > 0,
): Promise<SearchResult> {
  const tried: string[] = []
  const look = async ({ name, views }: Stage): Promise<Detection[]> => {
    tried.push(name)
    const found: Detection[] = []
    for (const view of views) found.push(...(await detect(view)))
    return withoutDuplicates(found.filter(({ box }) => isInside(box, width, height)))
  }
  let detections: Detection[] = []
  const isEnough = (found: readonly Detection[]): boolean => {
    detections = withoutDuplicates([...detections, ...found]).sort(bySize)
    return enough(detections.map(({ box }) => box))
  }
  const upright = letterbox(width, height)
  const straight = await look({ name: 'the whole photo', views: [upright] })
  const lying = quartersOf(straight)
  if (bestScore(straight) >= SURE_SCORE && lying === 0) {
    if (isEnough(straight)) return { detections, tried }
  } else {
    const sideways = await look({
      name: 'turned by 90, 180 and 270 degrees',
      views: (lying === 0 ? [1, 3, 2] : [4 - lying]).map((quarter) => turned(upright, quarter)),
    })
    const handicap = lying === 0 ? TURNED_HANDICAP : 0
    if (isEnough(bestScore(sideways) > bestScore(straight) + handicap ? sideways : straight)) {
      return { detections, tried }
    }
  }
  for (const stage of tileStages(width, height)) {
    if (isEnough(await look(stage))) break
  }
  return { detections, tried }
}

interface Stage {
  readonly name: string
  readonly views: readonly Similarity[]
}

/** Below these sides a tile shows nothing new, or faces too small to be used. */
const MIN_TILE = { 2: DETECTOR_SIDE, 4: DETECTOR_SIDE, 8: 2 * DETECTOR_SIDE } as const

function* tileStages(width: number, height: number): Generator<Stage> {
  const longer = Math.max(width, height)
  for (const [part, name] of [
    [2, 'tiles of half its size'],
    [4, 'tiles of a quarter of its size'],
    [8, 'tiles of an eighth of its size'],
  ] as const) {
    if (longer / part < MIN_TILE[part]) return
    yield { name, views: tiles(width, height, longer / part) }
  }
}

function bestScore(detections: readonly Detection[]): number {
  return Math.max(0, ...detections.map(({ score }) => score))
}

/**
 * Clockwise quarter turns in 0..3 of the surest face. The detector sees lying faces, but places their keypoints
 * so badly that the landmarks suffer.
 */
function quartersOf(detections: readonly Detection[]): number {
  const surest = detections.find(({ score }) => score === bestScore(detections))
  if (surest === undefined) return 0
  const eye = (index: number, axis: number) => at(surest.keypoints, 2 * index + axis)
  const { rightEye, leftEye } = KEYPOINT
  const angle = Math.atan2(eye(leftEye, 1) - eye(rightEye, 1), eye(leftEye, 0) - eye(rightEye, 0))
  return (Math.round(angle / (Math.PI / 2)) + 4) % 4
}

/** Turns a view about the centre of the detector's square. */
function turned(view: Similarity, quarterTurns: number): Similarity {
  const angle = (quarterTurns * Math.PI) / 2
  const [a, b] = [Math.round(Math.cos(angle)), Math.round(Math.sin(angle))]
  const c = DETECTOR_SIDE / 2
  return composeSimilarity({ a, b, tx: c - a * c + b * c, ty: c - b * c - a * c }, view)
}

/** Squares of the given side that overlap by half and cover the photo. */
function tiles(width: number, height: number, side: number): Similarity[] {
  const starts = (length: number): number[] => {
    if (length <= side) return [(length - side) / 2]
    const count = Math.ceil((length - side) / (side / 2)) + 1
    return Array.from({ length: count }, (_, i) => ((length - side) * i) / (count - 1))
  }
  const scale = DETECTOR_SIDE / side
  return starts(height).flatMap((y) =>
    starts(width).map((x) => ({ a: scale, b: 0, tx: -x * scale, ty: -y * scale })),
  )
}

function isInside({ x, y, width, height }: Box, photoWidth: number, photoHeight: number): boolean {
  const [cx, cy] = [x + width / 2, y + height / 2]
  return cx >= 0 && cy >= 0 && cx < photoWidth && cy < photoHeight
}

/** Overlapping tiles find the same face twice: of two boxes that share most, the surer stays. */
function withoutDuplicates(found: readonly Detection[]): Detection[] {
  const kept: Detection[] = []
  for (const detection of [...found].sort((p, q) => q.score - p.score)) {
    if (kept.every((other) => intersectionOverUnion(other.box, detection.box) < 0.3)) kept.push(detection)
  }
  return kept
}

function bySize(a: Detection, b: Detection): number {
  return b.box.width * b.box.height - a.box.width * a.box.height
}

/** @returns index of the chosen face; undefined where there is no face of that number */
export function chooseFace(boxes: readonly Box[], choice: FaceChoice | undefined): number | undefined {
  if (choice === undefined) return boxes.length > 0 ? 0 : undefined
  if ('index' in choice) return choice.index < boxes.length ? choice.index : undefined
  const found = holding(boxes, choice.at)
  return found >= 0 ? found : nearest(boxes, ...choice.at)
}

/** Whether the boxes hold the chosen face, so that no smaller ones need be looked for. */
export function holdsChoice(boxes: readonly Box[], choice: FaceChoice | undefined): boolean {
  if (choice === undefined) return boxes.length > 0
  return 'index' in choice ? choice.index < boxes.length : holding(boxes, choice.at) >= 0
}

function holding(boxes: readonly Box[], [x, y]: readonly [number, number]): number {
  return boxes.findIndex((box) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height)
}

/** Whether a face lies where one of side `side` is expected: their centres are closer than a face is wide. */
export function holdsFaceNear(boxes: readonly Box[], x: number, y: number, side: number): boolean {
  return boxes.some(
    (box) => Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y) < Math.max(side, box.width),
  )
}

/** Index of the box whose centre is nearest to a point. */
export function nearest(boxes: readonly Box[], x: number, y: number): number | undefined {
  let best: number | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  boxes.forEach((box, index) => {
    const distance = Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y)
    if (distance < bestDistance) {
      best = index
      bestDistance = distance
    }
  })
  return best
}
