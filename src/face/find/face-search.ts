import type { Box, Similarity } from '../../geometry/types.js'
import {
  angleInView,
  bestOfPlaces,
  type Candidate,
  isFace,
  isFaceToLandmarks,
  isGuess,
  isSure,
  isTurned,
  samePlace,
} from './candidate.js'
import type { Detection } from './decode.js'
import { intersectionOverUnion } from './nms.js'
import type { PhotoLandmarks } from './photo-networks.js'
import { letterbox, type RegionOfInterest, roiFromDetection, roiFromMesh } from './roi.js'
import { closeView, type Stage, tileStages, turned, turnedAbout } from './views.js'

/** What the networks see of one photo; answers in photo px. */
export interface PhotoLook {
  /** @param view photo px -> detector px */
  detect(view: Similarity): Promise<Detection[]>
  landmarks(roi: RegionOfInterest): Promise<PhotoLandmarks>
}

/** Whether faces, largest first, hold what is looked for; may have to wait for what another photo shows. */
export type Enough = (faces: readonly Candidate[]) => boolean | Promise<boolean>

export interface SearchResult {
  /** Largest first. */
  readonly faces: Candidate[]
  /** The views that were tried, in words, for messages. */
  readonly tried: readonly string[]
  /** What the detector took for a face and the landmark network did not, the likeliest. */
  readonly rejected: Candidate | undefined
  /** Whether all was tried, down to the smallest faces that can be found. */
  readonly complete: boolean
}

/** Of the candidates of one stage of tiles that are unsure, so many are looked at from all sides. */
const MAX_CLOSE_LOOKS = 12

/**
 * From these angles on, a face is looked at again in a view turned so that it is upright. In the photo as it is, tilted heads are
 * left as the original runtime sees them.
 */
const UPRIGHT_WITHIN = { photo: (50 * Math.PI) / 180, turnedView: (20 * Math.PI) / 180 } as const

/** A score that is lower by this speaks against a view, whatever its angle. */
const CLEARLY_WORSE = 0.1

/**
 * Faces of a photo, largest first. The whole photo first; where what it shows is not sure, the photo turned by 90, 270
 * and 180 degrees; then overlapping tiles of a half to an eighth of the longer side, in which small faces come out large
 * enough for the detector, each unsure candidate of theirs turned likewise. Of several views of one place the one counts
 * that both networks together trust most. The search stops at the first stage that has found enough.
 * @param enough whether these faces, largest first, hold what is looked for; default: any face
 */
export async function searchFaces(
  width: number,
  height: number,
  look: PhotoLook,
  enough: Enough = (faces) => faces.length > 0,
): Promise<SearchResult> {
  const tried: string[] = []
  let seen: Candidate[] = []
  const faces = () => bestOfPlaces(seen).filter(isFace).sort(bySize)
  const result = (complete: boolean): SearchResult => ({
    faces: faces(),
    complete,
    tried,
    rejected: bestOfPlaces(seen).find((candidate) => !isFace(candidate)),
  })
  /** Detections of some views that lie in the photo and not where a face is known for sure. */
  const detect = async (views: readonly Similarity[]): Promise<void> => {
    const found: { detection: Detection; view: Similarity }[] = []
    for (const view of views) for (const detection of await look.detect(view)) found.push({ detection, view })
    const known = seen.filter(isSure)
    const fresh = withoutDuplicates(found).filter(
      ({ detection: { box } }) =>
        isInside(box, width, height) && known.every((other) => !samePlace(other.box, box)),
    )
    for (const { detection, view } of fresh) seen.push(await examine(look, detection, view))
  }
  const unsure = () => bestOfPlaces(seen).filter((candidate) => !isSure(candidate))

  const upright = letterbox(width, height)
  const stage = async ({ name, views }: Stage): Promise<void> => {
    tried.push(name)
    await detect(views)
  }
  await stage({ name: 'the whole photo', views: [upright] })
  if (seen.length === 0 || unsure().length > 0) {
    tried.push('turned by 90, 180 and 270 degrees')
    for (const quarter of [1, 3, 2]) {
      await detect([turned(upright, quarter)])
      if (seen.length > 0 && unsure().length === 0) break
    }
  }
  if (await enough(faces())) return result(false)
  for (const tiles of tileStages(width, height)) {
    const before = new Set(seen)
    await stage(tiles)
    const open = unsure().filter((candidate) => !before.has(candidate))
    for (const { box } of open.slice(0, MAX_CLOSE_LOOKS)) {
      for (const quarter of [1, 3, 2]) await detect([turned(closeView(box), quarter)])
    }
    seen = bestOfPlaces(seen)
    if (await enough(faces())) return result(false)
  }
  return result(true)
}

/**
 * The face as an upright look shows it. Boxes and keypoints of a tilted one are coarse, so it would be registered a little
 * differently in an upright and in a turned photo.
 */
export async function straightened(candidate: Candidate, look: PhotoLook): Promise<Candidate> {
  const angle = angleInView(candidate)
  if (Math.abs(angle) <= UPRIGHT_WITHIN[isTurned(candidate.view) ? 'turnedView' : 'photo']) return candidate
  const view = turnedAbout(candidate.view, candidate.box, -angle)
  const detection = (await look.detect(view)).find(({ box }) => samePlace(box, candidate.box))
  if (detection === undefined || detection.score < candidate.score - CLEARLY_WORSE) return candidate
  const straight = await examine(look, detection, view)
  return isFace(straight) ? straight : candidate
}

/** A detection with what the landmark network makes of it; of a guess in two looks, the second where the first saw the face. */
export async function examine(look: PhotoLook, detection: Detection, view: Similarity): Promise<Candidate> {
  const landmarks = await look.landmarks(roiFromDetection(detection))
  const candidate = { ...detection, view, landmarks }
  if (!isGuess(candidate) || !isFaceToLandmarks(candidate)) return candidate
  const { presence } = await look.landmarks(roiFromMesh(landmarks.mesh))
  return { ...candidate, landmarks: { ...landmarks, presence: Math.min(presence, landmarks.presence) } }
}

function isInside({ x, y, width, height }: Box, photoWidth: number, photoHeight: number): boolean {
  const [cx, cy] = [x + width / 2, y + height / 2]
  return cx >= 0 && cy >= 0 && cx < photoWidth && cy < photoHeight
}

/** Overlapping tiles find the same face twice: of two boxes that share most, the surer stays. */
function withoutDuplicates<T extends { readonly detection: Detection }>(found: readonly T[]): T[] {
  const kept: T[] = []
  for (const one of [...found].sort((p, q) => q.detection.score - p.detection.score)) {
    if (kept.every((other) => intersectionOverUnion(other.detection.box, one.detection.box) < 0.3))
      kept.push(one)
  }
  return kept
}

function bySize(a: Candidate, b: Candidate): number {
  return b.box.width * b.box.height - a.box.width * a.box.height
}
