import type { WebGLRenderer } from 'three'
import { type FrameRecord, isRecord, moveMesh } from '../package.js'
import type { Face, Motion, Surface } from '../scene/face.js'
import { flowLayers } from '../scene/layers.js'
import { surfaceDepth } from '../scene/surface-depth.js'
import { readGlb } from './read-glb.js'
import { readFlow, within } from './read-pair.js'
import { NotShown, type ResultFiles, readFile, readText } from './result-files.js'

/** What the page shows of each frame, without the face. */
export interface FrameLine {
  readonly frame: number
  readonly name: string
  /** Seconds; of pictures, which have none, at 25 a second. */
  readonly time: number
  readonly status: FrameRecord['status']
  readonly cut: boolean
  readonly message: string | null
  /** Against the reference, degrees; null without flow. */
  readonly angles: { readonly yaw: number; readonly pitch: number; readonly roll: number } | null
  /** Mean lengths, template px; null without flow. */
  readonly energy: { readonly motion: number; readonly expression: number } | null
}

export interface ShownVideo {
  readonly input: string
  readonly frames: readonly FrameLine[]
  /** The face of the reference; null where it was not kept. */
  readonly face: Face | null
  readonly gaps: readonly string[]
}

/** The command's own for pictures. */
const PICTURES_PER_SECOND = 25

/** @throws NotShown without a readable log */
export async function readVideo(source: ResultFiles, renderer: WebGLRenderer): Promise<ShownVideo> {
  const text = await readText(source, 'frames.jsonl')
  if (text === null) throw new NotShown('There is no frames.jsonl: this is not the folder of a video.')
  const [head, ...lines] = parseLines(text)
  const { format, input } = (head ?? {}) as { format?: unknown; input?: unknown }
  if (format !== 2 || typeof input !== 'string') {
    throw new NotShown('frames.jsonl is not one that this version of the page can read (format 2).')
  }
  const damaged = lines.findIndex((line, frame) => !isRecord(line, frame))
  const records = (damaged < 0 ? lines : lines.slice(0, damaged)) as readonly FrameRecord[]
  const frames = records.map(lineOf)
  const gaps: string[] = []
  if (damaged >= 0) gaps.push(`frames.jsonl is damaged from frame ${damaged} on; what is before it is shown.`)
  const glb = await readFile(source, 'reference.glb')
  const first = frames.find(({ energy }) => energy !== null)
  const flow = first && (await readFile(source, flowFile(first.frame)))
  if (!first) gaps.push('No frame of this video has flow yet.')
  else if (glb === null || !flow) {
    gaps.push(
      'This video was computed with --no-flow or by an earlier version: there is no face to move, only curves and pictures.',
    )
  }
  let face: Face | null = null
  if (glb && flow) {
    const { mesh, triangles, uv, texture } = await readGlb(glb, 'reference.glb')
    const surface = within(surfaceDepth(renderer, mesh, triangles), readFlow(flow, 'the first flow').mask)
    face = { mesh, triangles, uv, texture, surface }
  }
  return { input, frames, face, gaps }
}

/** Where the face moved to in a frame; null for a frame without flow. */
export async function readMotion(source: ResultFiles, face: Face, frame: number): Promise<Motion | null> {
  const bytes = await readFile(source, flowFile(frame))
  if (bytes === null || face.surface === null) return null
  const { flow } = readFlow(bytes, flowFile(frame))
  const surface: Surface = face.surface
  const { mesh, rigid } = moveMesh(face.mesh, flow, surface.mask, surface.depth)
  return { mesh, rigid, flow, layers: flowLayers(flow, surface, rigid) }
}

function flowFile(frame: number): string {
  return `flow/${String(frame).padStart(6, '0')}_reference.npy`
}

/** Whole lines up to the first that is no JSON; a last one without an end is still being written. */
function parseLines(text: string): unknown[] {
  const lines: unknown[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    try {
      lines.push(JSON.parse(line))
    } catch {
      break
    }
  }
  return lines
}

function lineOf(record: FrameRecord): FrameLine {
  const { frame, name, time, status, cut = false, message = null, frameToReference, frameToFrame } = record
  return {
    frame,
    name,
    time: time ?? frame / PICTURES_PER_SECOND,
    status,
    cut,
    message,
    angles: frameToReference?.rigid.angles ?? (status === 'reference' ? { yaw: 0, pitch: 0, roll: 0 } : null),
    energy: frameToFrame
      ? { motion: frameToFrame.statistics.meanLength, expression: frameToFrame.statistics.meanExpression }
      : null,
  }
}
