import type { Rgba } from '../geometry/types.js'
import type { PairOutputs } from './registered-pair.js'

/** What the mesh network saw of a registered frame of a pair. */
export interface SeenFrame {
  readonly frame: Rgba
  /** 468x3, template px. */
  readonly mesh: Float32Array
  /** Probability that it is a face. */
  readonly presence: number
}

/** Beside results and not in them: they are sent to workers and stored, and their own meshes follow the landmarks. */
const SEEN = new WeakMap<object, readonly SeenFrame[]>()

/** For who reads more of a result's frames than flow: A first, B where the mesh network looked at it. */
export function rememberSeen(
  result: object,
  { frames, faces, mesh, meshOfB }: Pick<PairOutputs, 'frames' | 'faces' | 'mesh' | 'meshOfB'>,
): void {
  const meshes = [mesh, meshOfB]
  SEEN.set(
    result,
    frames.flatMap((frame, side) => {
      const [own, face] = [meshes[side], faces[side]]
      return own && face ? [{ frame, mesh: own, presence: face.presence }] : []
    }),
  )
}

/** None of a result that was not computed here, as a copy. */
export function seenFrames(result: object): readonly SeenFrame[] {
  return SEEN.get(result) ?? []
}
