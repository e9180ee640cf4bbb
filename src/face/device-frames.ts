import { TEMPLATE_SIZE } from '../geometry/types.js'
import { GraphBuilder } from '../graph/graph.js'
import { inputRegistered } from '../ops/image/image-input.js'
import { imageOutput } from '../ops/image/image-output.js'
import type { DeviceData } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'
import type { Plan } from '../runtime/plan.js'
import type { PendingFrame } from './register/pending-frame.js'

const PIXELS = 'pixels'
const FRAME = 'frame'

/** Registered frames that callers have on the device: read in the pair's submission, for results hold the pixels too. */
export class DeviceFrames {
  readonly #engine: Engine
  #plans: Promise<readonly [Plan, Plan]> | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** @param side which frame of the pair it is: both run in one submission, so each has a plan */
  async pending(side: 0 | 1, data: DeviceData): Promise<PendingFrame> {
    this.#plans ??= this.#compile()
    const plan = (await this.#plans)[side]
    return { job: { plan, inputs: { [PIXELS]: data } }, frameOutput: FRAME }
  }

  dispose(): void {
    void this.#plans?.then((plans) => {
      for (const plan of plans) plan.dispose()
    })
    this.#plans = undefined
  }

  async #compile(): Promise<readonly [Plan, Plan]> {
    const plan = async (name: string): Promise<Plan> => {
      const graph = new GraphBuilder(name)
      const image = inputRegistered(graph, 'image', [PIXELS], { width: TEMPLATE_SIZE, height: TEMPLATE_SIZE })
      graph.output(FRAME, imageOutput(graph, 'image output', image))
      return await this.#engine.compile(graph.build())
    }
    return await Promise.all([plan('frame A'), plan('frame B')])
  }
}
