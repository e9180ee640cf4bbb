import { COVERABLE_PARTS, type CoveredPart } from './coverable-parts.js'

/** How a part of the driver's face is covered, or was. Plain JSON. */
export interface DriverCover {
  /**
   * `doubted`: it may be about to be covered, and is held for some frames; `believed`: it was not, and is followed and no longer doubted. `covered`: it is held, then at rest. `freed`: it is free, and the photo is
   * on its way back to it.
   */
  readonly phase: 'doubted' | 'believed' | 'covered' | 'freed'
  /** In this phase, this one included. */
  readonly frames: number
  /** How covered it looks; null where that cannot be said. */
  readonly figure: number | null
  /** Of a covered one, see `watchCovers`. */
  readonly ending?: number
}

/** By part; nothing of those that are free. */
export type DriverCovers = Readonly<Partial<Record<CoveredPart, DriverCover>>>

/** Whether what the frame shows of a part is not the driver's face. */
export function isHidden(covers: DriverCovers | null | undefined, part: CoveredPart): boolean {
  const phase = covers?.[part]?.phase
  return phase === 'covered' || phase === 'doubted'
}

/** Whether an observed frame shows the mouth that its motion is of: what is drawn between the lips is cut from it. */
export function showsMouth({
  status,
  covers,
}: {
  readonly status: 'ok' | 'regained' | 'held'
  readonly covers?: DriverCovers
}): boolean {
  return status !== 'held' && !isHidden(covers, 'mouth')
}

/** Whether a value from outside is one of these. */
export function isDriverCovers(value: unknown): value is DriverCovers {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(([part, cover]) => {
    const { phase, frames, figure, ending } = (cover ?? {}) as Partial<DriverCover>
    return (
      (COVERABLE_PARTS as readonly string[]).includes(part) &&
      PHASES.includes(phase as DriverCover['phase']) &&
      Number.isInteger(frames) &&
      (figure === null || Number.isFinite(figure)) &&
      (ending === undefined || Number.isInteger(ending))
    )
  })
}

const PHASES: readonly DriverCover['phase'][] = ['doubted', 'believed', 'covered', 'freed']
