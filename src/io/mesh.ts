import { FaceError } from '../errors.js'
import { assertFinite } from '../geometry/finite.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import type { MeshData, MorphMotion } from './mesh-data.js'

export type { MeshData } from './mesh-data.js'

/*
 * Mesh files. OBJ and PLY carry the numbers of the template frame as they are (x right, y down, z away,
 * px), so that they line up with flow.npy; the glTF file is for looking at and follows glTF's axes.
 * OBJ and PLY are written here: the npm exporters for them work on a three.js scene and bring three.js
 * along, while each format is a short header and two lists.
 */

/** Axes of a mesh: `template` x right, y down, z away from the camera; `y` x right, y up, z towards the viewer. */
export const UP_AXES = ['template', 'y'] as const

/** One of {@link UP_AXES}. */
export type UpAxis = (typeof UP_AXES)[number]

/**
 * Vertices in the axes asked for, Vx3. `y` is half a turn about the middle line of the template frame, so that
 * coordinates stay in its 224 px and triangles keep their winding.
 */
export function upright(vertices: Float32Array, up: UpAxis = 'template'): Float32Array {
  if (up === 'template') return vertices
  return vertices.map((value, i) => (i % 3 === 0 ? value : i % 3 === 1 ? TEMPLATE_SIZE - value : -value))
}

/**
 * Wavefront OBJ.
 * @param uv Vx2, texture coordinates with the origin in the top left corner of the texture
 * @param comment lines put at the top of the file
 * @param materials name of the MTL file beside it, see {@link encodeMtl}
 * @throws FaceError INVALID_ARGUMENT where the arrays do not fit together; EngineError NUMERIC_OVERFLOW naming a vertex that is not finite
 */
export function encodeObj(
  mesh: MeshData,
  uv: Float32Array,
  comment: readonly string[],
  materials?: string,
): string {
  checkMesh(mesh, uv.length / 2)
  assertFinite(uv, 'texture coordinates', 'vertex', 2)
  const lines = comment.map((line) => `# ${line}`)
  if (materials !== undefined) lines.push(`mtllib ${materials}`)
  const { vertices, triangles } = mesh
  for (let i = 0; i < vertices.length; i += 3) {
    lines.push(`v ${decimal(vertices[i])} ${decimal(vertices[i + 1])} ${decimal(vertices[i + 2])}`)
  }
  for (let i = 0; i < uv.length; i += 2) {
    // OBJ puts the texture's origin in the bottom left corner.
    lines.push(`vt ${decimal(uv[i])} ${decimal(1 - (uv[i + 1] as number))}`)
  }
  if (materials !== undefined) lines.push(`usemtl ${MATERIAL}`)
  for (let i = 0; i < triangles.length; i += 3) {
    const corners = [0, 1, 2].map((k) => (triangles[i + k] as number) + 1)
    lines.push(`f ${corners.map((v) => `${v}/${v}`).join(' ')}`)
  }
  return `${lines.join('\n')}\n`
}

const MATERIAL = 'photo'

/**
 * Material of an OBJ: the texture as it is, no light.
 * @param texture name of the picture beside it
 */
export function encodeMtl(texture: string): string {
  return `newmtl ${MATERIAL}\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 0\nmap_Kd ${texture}\n`
}

/**
 * Binary little-endian PLY with a colour per vertex.
 * @param colours Vx3, 8-bit RGB
 * @throws FaceError INVALID_ARGUMENT where the arrays do not fit together; EngineError NUMERIC_OVERFLOW naming a vertex that is not finite
 */
export function encodePly(mesh: MeshData, colours: Uint8Array, comment: readonly string[]): Uint8Array {
  const count = checkMesh(mesh, colours.length / 3)
  const faces = mesh.triangles.length / 3
  const header = new TextEncoder().encode(
    [
      'ply',
      'format binary_little_endian 1.0',
      ...comment.map((line) => `comment ${line}`),
      `element vertex ${count}`,
      ...['x', 'y', 'z'].map((name) => `property float ${name}`),
      ...['red', 'green', 'blue'].map((name) => `property uchar ${name}`),
      `element face ${faces}`,
      'property list uchar int vertex_indices',
      'end_header\n',
    ].join('\n'),
  )
  const out = new Uint8Array(header.length + count * 15 + faces * 13)
  out.set(header)
  const view = new DataView(out.buffer, header.length)
  let at = 0
  for (let v = 0; v < count; v++) {
    for (let axis = 0; axis < 3; axis++) {
      view.setFloat32(at, mesh.vertices[3 * v + axis] as number, true)
      at += 4
    }
    for (let c = 0; c < 3; c++) view.setUint8(at++, colours[3 * v + c] as number)
  }
  for (let f = 0; f < faces; f++) {
    view.setUint8(at++, 3)
    for (let k = 0; k < 3; k++) {
      view.setInt32(at, mesh.triangles[3 * f + k] as number, true)
      at += 4
    }
  }
  return out
}

/** Seconds from A to B, rest at B, and back. */
const KEY_TIMES = [0, 1, 1.5, 2.5, 3]
const KEY_WEIGHTS = [0, 1, 1, 0, 0]

/**
 * glTF 2.0 binary: mesh A textured with the photo, one morph target that takes it to mesh B, and a looping
 * animation of the target's weight. The photo is the base colour, marked as unlit. Axes are turned to glTF's (y up, z towards the viewer).
 * `extras.templateOrigin` of the mesh is the place of the file's origin in the template frame, px.
 * @param target Vx3, mesh B
 * @param uv Vx2, texture coordinates with the origin in the top left corner of the texture
 * @param texture encoded JPEG
 * @throws FaceError INVALID_ARGUMENT where the arrays do not fit together; EngineError NUMERIC_OVERFLOW naming a number that is not finite
 */
export async function encodeMotionGlb(
  mesh: MeshData,
  target: Float32Array,
  uv: Float32Array,
  texture: Uint8Array,
): Promise<Uint8Array> {
  return await encodeGlb(mesh, uv, texture, {
    name: 'A to B',
    targets: [{ name: 'B', vertices: target }],
    times: KEY_TIMES,
    weights: Float32Array.from(KEY_WEIGHTS),
  })
}

/**
 * The file of {@link encodeMotionGlb} without motion.
 * @param mesh template px
 * @param uv Vx2, texture coordinates with the origin in the top left corner of the texture
 * @param texture encoded JPEG
 * @throws FaceError INVALID_ARGUMENT where the arrays do not fit together; EngineError NUMERIC_OVERFLOW naming a number that is not finite
 */
export async function encodeMeshGlb(
  mesh: MeshData,
  uv: Float32Array,
  texture: Uint8Array,
): Promise<Uint8Array> {
  return await encodeGlb(mesh, uv, texture, null)
}

/** The face of one frame of a clip. */
export interface ClipFrame {
  /** Seconds from the start of the clip. */
  readonly time: number
  /** Vx3, template px. */
  readonly vertices: Float32Array
}

/**
 * A clip as an animated file of the kind of {@link encodeMotionGlb}: a morph target a frame, each shown at its time, straight in
 * between.
 * @param mesh of the reference, template px
 * @param frames at least one, times rising
 * @param uv Vx2, texture coordinates with the origin in the top left corner of the texture
 * @param texture encoded JPEG
 * @throws FaceError INVALID_ARGUMENT where the arrays do not fit together or times do not rise; EngineError NUMERIC_OVERFLOW naming a
 *   number that is not finite
 */
export async function encodeClipGlb(
  mesh: MeshData,
  frames: readonly ClipFrame[],
  uv: Float32Array,
  texture: Uint8Array,
): Promise<Uint8Array> {
  const isRising = frames.every(({ time }, i) => time >= 0 && (i === 0 || time > (frames[i - 1]?.time ?? 0)))
  if (frames.length === 0 || !isRising) {
    throw new FaceError('INVALID_ARGUMENT', 'a clip needs at least one frame, and times that rise from 0')
  }
  const weights = new Float32Array(frames.length ** 2)
  for (let i = 0; i < frames.length; i++) weights[i * frames.length + i] = 1
  return await encodeGlb(mesh, uv, texture, {
    name: 'clip',
    targets: frames.map(({ vertices }, i) => ({ name: `frame ${i}`, vertices })),
    times: frames.map(({ time }) => time),
    weights,
  })
}

/** @throws FaceError INVALID_ARGUMENT where the arrays do not fit together; EngineError NUMERIC_OVERFLOW naming a number that is not finite */
export async function encodeGlb(
  mesh: MeshData,
  uv: Float32Array,
  texture: Uint8Array,
  motion: MorphMotion | null,
): Promise<Uint8Array> {
  checkMesh(mesh, uv.length / 2)
  assertFinite(uv, 'texture coordinates', 'vertex', 2)
  if (motion) checkMotion(motion)
  // Loaded when the first file is made: pages that make none do without the library.
  const { writeGlb } = await import('./glb.js')
  return await writeGlb(mesh, uv, texture, motion)
}

function checkMesh({ vertices, triangles }: MeshData, attributes: number): number {
  const count = vertices.length / 3
  if (!Number.isInteger(count) || triangles.length % 3 !== 0 || attributes !== count) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `mesh of ${vertices.length} coordinates, ${triangles.length} corners and ${attributes} vertex attributes`,
    )
  }
  if (triangles.some((v) => v >= count)) {
    throw new FaceError('INVALID_ARGUMENT', `mesh has a triangle corner beyond its ${count} vertices`)
  }
  assertFinite(vertices, 'mesh', 'vertex', 3)
  return count
}

function checkMotion({ targets, times, weights, poses = [] }: MorphMotion): void {
  for (const { name, vertices } of targets) assertFinite(vertices, `mesh ${name}`, 'vertex', 3)
  assertFinite(times, 'times', 'key')
  assertFinite(weights, 'weights', 'weight of key', targets.length)
  poses.forEach(({ rotation, shift }, key) => {
    assertFinite([...rotation, ...shift], `pose of key ${key}`)
  })
}

/** Shortest text with a thousandth of a pixel (or a millionth of a texture) left. */
function decimal(value: number | undefined): string {
  return String(Number((value as number).toFixed(6)))
}
