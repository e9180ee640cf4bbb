import { type Rgba, TEMPLATE_SIZE } from '../../geometry/types.js'
import type { PlanJob } from '../../runtime/plan.js'
import type { PlanOutputs } from '../../runtime/readback.js'

/** A registered frame whose pixels are still to be computed: what looks at it goes in the same submission. */
export interface PendingFrame {
  readonly job: PlanJob
  /** The output of its plan that holds the pixels, 224x224 RGBA8. */
  readonly frameOutput: string
}

/** The frame, of the outputs of its plan. */
export function frameOf({ frameOutput }: PendingFrame, outputs: PlanOutputs): Rgba {
  return { width: TEMPLATE_SIZE, height: TEMPLATE_SIZE, data: outputs[frameOutput] as Uint8Array }
}
