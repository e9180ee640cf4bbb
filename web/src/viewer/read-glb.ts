import type { BufferAttribute, Mesh, MeshBasicMaterial } from 'three'
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js'
import { NotShown } from './result-files.js'

/** The face of a motion.glb or reference.glb in the template frame. */
export interface GlbFace {
  /** Vx3, template px. */
  readonly mesh: Float32Array
  /** Vx3, template px; null in a file without motion. */
  readonly moved: Float32Array | null
  readonly triangles: Uint16Array
  readonly uv: Float32Array
  readonly texture: ImageBitmap
}

const PIXELS_PER_METRE = 1000

export async function readGlb(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<GlbFace> {
  const { scene } = await new GLTFLoader().parseAsync(bytes.buffer, '').catch((cause: unknown) => {
    throw new NotShown(`${name} is damaged: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  })
  let found: Mesh | undefined
  scene.traverse((node) => {
    if ('isMesh' in node) found ??= node as Mesh
  })
  const origin = found?.userData.templateOrigin as readonly number[] | undefined
  const texture = (found?.material as MeshBasicMaterial | undefined)?.map?.image as ImageBitmap | undefined
  const { position, uv } = (found?.geometry.attributes ?? {}) as Record<string, BufferAttribute | undefined>
  const index = found?.geometry.index
  if (!position || !uv || !index || !texture)
    throw new NotShown(`${name} is not a face that this package wrote.`)
  if (!origin) {
    throw new NotShown(`${name} was written by an earlier version of the package; run the command again.`)
  }
  const mesh = new Float32Array(position.count * 3)
  const target = found?.geometry.morphAttributes.position?.[0] as BufferAttribute | undefined
  const moved = target ? new Float32Array(mesh.length) : null
  for (let v = 0; v < position.count; v++) {
    for (let axis = 0; axis < 3; axis++) {
      const scale = axis === 0 ? PIXELS_PER_METRE : -PIXELS_PER_METRE
      const from = position.getComponent(v, axis)
      const at = (value: number) => value * scale + (origin[axis] as number)
      mesh[3 * v + axis] = at(from)
      if (moved && target) moved[3 * v + axis] = at(from + target.getComponent(v, axis))
    }
  }
  const coordinates = new Float32Array(position.count * 2)
  for (let v = 0; v < position.count; v++) coordinates.set([uv.getX(v), uv.getY(v)], 2 * v)
  return { mesh, moved, triangles: Uint16Array.from(index.array), uv: coordinates, texture }
}
