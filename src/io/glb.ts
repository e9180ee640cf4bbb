import { Document, WebIO } from '@gltf-transform/core'
import { FaceError } from '../errors.js'
import type { MeshData, MorphMotion } from './mesh-data.js'
import { UnlitMaterials } from './unlit-materials.js'

/** One template pixel is shown as a millimetre: a face comes out about life-size. */
const METRES_PER_PIXEL = 0.001

/** A binary glTF file of a mesh with its texture, and of its motion where there is one. */
export async function writeGlb(
  mesh: MeshData,
  uv: Float32Array,
  texture: Uint8Array,
  motion: MorphMotion | null,
): Promise<Uint8Array> {
  const centre = [0, 1, 2].map((axis) => mean(mesh.vertices, axis))
  const base = toGltf(mesh.vertices, centre)
  const document = new Document()
  const buffer = document.createBuffer()
  const accessor = (name: string, type: 'VEC2' | 'VEC3' | 'SCALAR', array: Float32Array | Uint16Array) =>
    document
      .createAccessor(name)
      .setType(type)
      .setArray(array as Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>)
      .setBuffer(buffer)
  const image = document.createTexture('photo A').setImage(texture).setMimeType('image/jpeg')
  const material = document
    .createMaterial('photo')
    .setBaseColorTexture(image)
    .setRoughnessFactor(1)
    .setMetallicFactor(0)
    .setDoubleSided(true)
  // The photo carries its own light: viewers that know the extension shade it no second time, others still show it.
  document.createExtension(UnlitMaterials).mark(material)
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('mesh A', 'VEC3', base))
    .setAttribute('TEXCOORD_0', accessor('photo coordinates', 'VEC2', uv))
    .setIndices(accessor('triangles', 'SCALAR', mesh.triangles))
    .setMaterial(material)
  const face = document.createMesh('face').addPrimitive(primitive)
  const node = document.createNode('face').setMesh(face)
  const scene = document.createScene('facial motion').addChild(node)
  document.getRoot().setDefaultScene(scene)
  face.setExtras({ templateOrigin: centre })
  if (motion) {
    for (const { name, vertices } of motion.targets) {
      if (vertices.length !== mesh.vertices.length) {
        throw new FaceError(
          'INVALID_ARGUMENT',
          `mesh ${name} has ${vertices.length / 3} vertices, mesh A ${mesh.vertices.length / 3}`,
        )
      }
      const offsets = toGltf(vertices, centre).map((v, i) => v - (base[i] as number))
      primitive.addTarget(
        document
          .createPrimitiveTarget(name)
          .setAttribute('POSITION', accessor(`motion from A to ${name}`, 'VEC3', offsets)),
      )
    }
    face
      .setWeights(motion.targets.map(() => 0))
      .setExtras({ targetNames: motion.targets.map(({ name }) => name), templateOrigin: centre })
    const sampler = document
      .createAnimationSampler()
      .setInput(accessor('seconds', 'SCALAR', Float32Array.from(motion.times)))
      // One target a frame: all but the diagonal is zero, and the square of the frames would outgrow the motion itself.
      .setOutput(accessor('weights', 'SCALAR', motion.weights).setSparse(isSparse(motion.weights)))
      .setInterpolation('LINEAR')
    const channel = document
      .createAnimationChannel()
      .setTargetNode(node)
      .setTargetPath('weights')
      .setSampler(sampler)
    document.createAnimation(motion.name).addSampler(sampler).addChannel(channel)
  }
  return new WebIO().registerExtensions([UnlitMaterials]).writeBinary(document)
}

/** Share of values beside 0 below which a sparse accessor, which stores where they are, is smaller than a full one. */
const SPARSE_SHARE = 0.25

function isSparse(values: Float32Array): boolean {
  return values.filter((value) => value !== 0).length < SPARSE_SHARE * values.length
}

/** Template px to metres about `centre`: half a turn about x, which keeps the triangles' winding. */
function toGltf(vertices: Float32Array, centre: readonly number[]): Float32Array {
  return vertices.map((v, i) => {
    const axis = i % 3
    return (v - (centre[axis] as number)) * (axis === 0 ? METRES_PER_PIXEL : -METRES_PER_PIXEL)
  })
}

function mean(vertices: Float32Array, axis: number): number {
  let sum = 0
  for (let i = axis; i < vertices.length; i += 3) sum += vertices[i] as number
  return sum / (vertices.length / 3)
}
