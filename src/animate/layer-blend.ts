import type { Rgba } from '../geometry/types.js'
import { GraphBuilder } from '../graph/graph.js'
import { blendLayers } from '../ops/image/blend-layers.js'
import { frameType } from '../ops/image/image-input.js'
import type { DeviceData } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'
import type { Plan, PlanInputs } from '../runtime/plan.js'
import type { Drawing, Layer } from './sheet-renderer.js'

/** Lays drawings over one another on the device. A plan for each number of layers. */
export class LayerBlend {
  private constructor(
    private readonly plans: readonly Plan[],
    private readonly size: Pick<Rgba, 'width' | 'height'>,
  ) {}

  /** @param most layers over one picture */
  static async create(
    engine: Engine,
    { width, height }: Pick<Rgba, 'width' | 'height'>,
    most: number,
  ): Promise<LayerBlend> {
    const plans: Plan[] = []
    for (let count = 0; count <= most; count++) {
      const graph = new GraphBuilder(`blend of ${count}`)
      const input = (name: string) => graph.input(name, frameType(width, height))
      const layers = Array.from({ length: count }, (_, i) => input(layerName(i)))
      graph.output('frame', blendLayers(graph, 'blend', input('base'), layers))
      plans.push(await engine.compile(graph.build(), {}))
    }
    return new LayerBlend(plans, { width, height })
  }

  /** @param layers no more than `most` */
  over(base: Layer, layers: readonly Layer[]): Drawing {
    // All are started by the call that draws: the next frame's are then behind this one's blend.
    return this.#drawing(layers.length, () => ({
      base: base.start(),
      ...Object.fromEntries(layers.map((layer, i) => [layerName(i), layer.start()])),
    }))
  }

  /** A picture as it is, brought to the device. */
  async upload({ data }: Rgba, to: DeviceData): Promise<void> {
    await this.#drawing(0, () => ({ base: data })).leaveIn(to)
  }

  dispose(): void {
    for (const plan of this.plans) plan.dispose()
  }

  #drawing(count: number, inputs: () => PlanInputs): Drawing {
    const plan = this.plans[count] as Plan
    return {
      read: async () => {
        const { frame } = await plan.compute(inputs())
        return { ...this.size, data: frame as Uint8Array }
      },
      leaveIn: async (to) => await plan.run(inputs(), { to: { frame: to } }),
    }
  }
}

function layerName(i: number): string {
  return `layer ${i}`
}
