import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type CreateOptions,
  DEFAULT_REFINEMENT,
  DEPTHS,
  type DepthSource,
  EXTENTS,
  type Extent,
  type FaceChoice,
  type FlowOptions,
  messageOf,
  PRODUCT_GROUPS,
  PRODUCT_NAMES,
  type ProductChoice,
  REFINEMENTS,
  type Refinement,
  SHIPPED_NETWORKS,
  selectProducts,
  UP_AXES,
  type UpAxis,
  usesBackwardFlow,
} from '../index.js'

/** Options that several commands share, and what they mean to the library. */

export interface EngineFlags {
  readonly adapter?: string
  readonly weights?: string
  readonly depth?: DepthSource
  readonly refinement?: Refinement
  readonly extent?: Extent
}

export interface PairFlags extends EngineFlags {
  readonly only?: string[]
  readonly photoSpace?: boolean
  readonly half?: boolean
  readonly up?: UpAxis
  readonly registered?: boolean
  readonly face?: number
  readonly at?: [number, number]
  readonly faceB?: number
  readonly atB?: [number, number]
  readonly backward: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Of the options that several commands share those that flows along a video depend on, beside the weights: for its binding. */
export function boundOptions({
  refinement,
  extent,
  face,
  at,
}: Pick<PairFlags, 'refinement' | 'extent' | 'face' | 'at'>) {
  return {
    refinement: refinement ?? DEFAULT_REFINEMENT,
    extent: extent ?? null,
    face: face ?? null,
    at: at ?? null,
  }
}

export function addEngineOptions(command: Command): Command {
  return command
    .option(
      '--adapter <name>',
      'auto, hardware, software, embedded or part of an adapter name (default: DEEPFACEFLOW_ADAPTER, else auto)',
    )
    .option(
      '--weights <file>',
      `DFFNet weight file, or the name of one in the package: ${SHIPPED_NETWORKS.join(', ')} (default: ${SHIPPED_NETWORKS[0]})`,
    )
    .addOption(
      new Option(
        '--depth <source>',
        "where depth change comes from: the head's motion in the image, or the network alone (default: motion where its weights lie beside those of DFFNet)",
      ).choices(DEPTHS),
    )
    .addOption(
      new Option(
        '--refinement <kind>',
        'what the pictures make of the flow: variational (the default; inverse search of patches, then every pixel), inverse-search alone, none',
      ).choices(REFINEMENTS),
    )
    .addOption(
      new Option(
        '--extent <extent>',
        'how far the face reaches: face (the default), on to the hair line, before the ears and below the chin; mesh, as far as the 468 vertices',
      ).choices(EXTENTS),
    )
    .option('--verbose', 'show what GPU drivers write on the terminal')
}

export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print the summary as JSON on stdout')
    .option('-q, --quiet', 'print errors only')
}

export function addFaceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--face <n>', 'take the n-th largest face (1 = largest, the default)')
        .argParser(positiveInteger)
        .conflicts('at'),
    )
    .option('--at <x,y>', 'take the face at this point of photo A or of the first frame (pixels)', point)
}

export function addPairOptions(command: Command): Command {
  addFaceOptions(command)
    .addOption(
      new Option('--face-b <n>', 'take the n-th largest face of photo B (default: the person chosen in A)')
        .argParser(positiveInteger)
        .conflicts('atB'),
    )
    .option('--at-b <x,y>', 'take the face at this point of photo B (pixels)', point)
    .option(
      '--only <names>',
      `files or groups to write, comma-separated: ${[...PRODUCT_GROUPS, ...PRODUCT_NAMES].join(', ')}`,
      productList,
    )
    .option('--photo-space', 'also the flow at the full resolution of photo A (photo_flow.npy, .flo)')
    .option('--half', 'arrays as 16-bit floats: half the size, three digits')
    .addOption(
      new Option(
        '--up <axis>',
        'axes of mesh_a.obj and mesh_b.ply: those of the template frame (y down, z away; the default), or y up and z towards the viewer',
      ).choices(UP_AXES),
    )
    .addOption(
      new Option('--registered', 'the pictures are 224x224 and already in the template frame').conflicts([
        'face',
        'at',
        'faceB',
        'atB',
        'photoSpace',
      ]),
    )
    .option(
      '--no-backward',
      'skip the flow from B to A (no occlusion and confidence; half the time); without files that show it, it is skipped anyway',
    )
  return addOutputOptions(addEngineOptions(command))
}

export function createOptions(flags: EngineFlags): CreateOptions {
  return {
    ...(flags.adapter === undefined ? {} : { adapter: flags.adapter }),
    ...(flags.weights === undefined ? {} : { weights: flags.weights }),
    ...(flags.depth === undefined ? {} : { depth: flags.depth }),
    ...(flags.refinement === undefined ? {} : { refinement: flags.refinement }),
    ...(flags.extent === undefined ? {} : { extent: flags.extent }),
  }
}

export function flowOptions(
  flags: Pick<PairFlags, 'face' | 'at' | 'faceB' | 'atB' | 'backward' | 'only' | 'photoSpace'>,
): Omit<FlowOptions, 'signal'> {
  const face = faceChoice(flags.face, flags.at)
  const faceB = faceChoice(flags.faceB, flags.atB)
  const backward = flags.backward && usesBackwardFlow(productChoice(flags))
  return { backward, ...(face && { face }), ...(faceB && { faceB }) }
}

export function productChoice({ only, photoSpace }: Pick<PairFlags, 'only' | 'photoSpace'>): ProductChoice {
  return { ...(only && { only }), ...(photoSpace && { photoSpace }) }
}

export function faceChoice(face?: number, at?: [number, number]): FaceChoice | null {
  if (at) return { at }
  return face === undefined ? null : { index: face - 1 }
}

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('give a whole number from 1 on.')
  return value
}

function point(text: string): [number, number] {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [x, y] = parts
  if (
    parts.length !== 2 ||
    x === undefined ||
    y === undefined ||
    !Number.isFinite(x) ||
    !Number.isFinite(y)
  ) {
    throw new InvalidArgumentError('give two numbers, for example 320,240.')
  }
  return [x, y]
}

function productList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  try {
    selectProducts({ only: names })
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error))
  }
  return names
}
