import { Command, InvalidArgumentError, Option } from 'commander'
import type { Schedule } from '../../src/graph/op.js'
import { DEPTHS, type DepthSource } from '../../src/nets/depth-from-motion.js'
import { EXTENTS, type Extent } from '../../src/nets/face-extent.js'
import { REFINEMENTS, type Refinement } from '../../src/nets/refinement.js'
import type { NetworkChoice } from './networks.js'

/** What every measuring script takes. */
export interface BenchOptions {
  readonly adapter?: string
  readonly schedule?: Schedule
  readonly storage: 'f32' | 'f16'
  readonly robustness: boolean
  /** Fewer and shorter runs: a look, not a result to quote. */
  readonly quick: boolean
  /** Timed runs of each thing; undefined: the script's own choice. */
  readonly runs?: number
  /** File for the figures as JSON. */
  readonly json?: string
}

/** Which network a script measures. */
export interface NetworkOptions {
  readonly prior: boolean
  readonly depth: DepthSource
  readonly refinement: Refinement
  readonly extent: Extent
}

/** Adds what `networkOf` reads. */
export function withNetworkOptions(command: Command): Command {
  return command
    .option('--no-prior', 'DFFNet without the mesh prior')
    .addOption(new Option('--depth <source>', 'where dz comes from').choices(DEPTHS).default(DEPTHS[0]))
    .addOption(
      new Option('--refinement <kind>', 'what the images make of the flow')
        .choices(REFINEMENTS)
        .default(REFINEMENTS[0]),
    )
    .addOption(
      new Option('--extent <extent>', 'how far the face reaches').choices(EXTENTS).default(EXTENTS[0]),
    )
}

export function networkOf(options: NetworkOptions, a: number): NetworkChoice {
  const { prior: meshPrior, depth, refinement, extent } = options
  return { a, meshPrior, depth, refinement, extent }
}

/** `DFFNet a = 0.375, mesh prior, depth from motion, variational` */
export function describeNetwork({ a, meshPrior, depth, refinement, extent }: NetworkChoice): string {
  return [
    `DFFNet a = ${a}`,
    ...(meshPrior ? ['mesh prior'] : []),
    ...(depth === 'motion' ? ['depth from motion'] : []),
    ...(refinement === undefined || refinement === 'none' ? [] : [refinement]),
    ...(extent === 'face' && meshPrior ? ['whole face'] : []),
  ].join(', ')
}

/** A command with the common options; scripts add their own. */
export function benchCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--adapter <choice>', 'auto, hardware, software, embedded or part of an adapter name')
    .addOption(
      new Option('--schedule <name>', 'kernel schedule (default: by the adapter)').choices([
        'software',
        'hardware',
      ]),
    )
    .addOption(
      new Option('--storage <type>', 'element type in memory').choices(['f32', 'f16']).default('f32'),
    )
    .option(
      '--no-robustness',
      "drop the bounds checks that Dawn adds to shaders (an upper bound, not the product's setting)",
    )
    .option('--quick', 'fewer and shorter runs', false)
    .option('--runs <n>', 'timed runs of each thing', positive)
    .option('--json <file>', 'also write the figures to a file')
}

export function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0')
  return value
}

/** `0.375,1` */
export function positiveList(text: string): number[] {
  return text.split(',').map(positive)
}
