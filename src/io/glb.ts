import { Document, WebIO } from '@gltf-transform/core'
import { FaceError } from '../errors.js'
import { toRotationVector } from '../geometry/rotation-vector.js'
import type { MeshData, MeshPose, MorphMotion } from './mesh-data.js'
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
  const accessor = (
    name: string,
    type: 'VEC2' | 'VEC3' | 'VEC4' | 'SCALAR',
    array: Float32Array | Uint16Array,
  ) =>
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
    const animation = document.createAnimation(motion.name).addSampler(sampler).addChannel(channel)
    const track = (path: 'rotation' | 'translation', type: 'VEC4' | 'VEC3', values: Float32Array): void => {
      const output = accessor(path, type, values)
      const posed = document.createAnimationSampler().setInput(sampler.getInput()).setOutput(output)
      animation
        .addSampler(posed)
        .addChannel(
          document.createAnimationChannel().setTargetNode(node).setTargetPath(path).setSampler(posed),
        )
    }
    if (motion.poses) {
      track('rotation', 'VEC4', quaternions(motion.poses))
      track(
        'translation',
        'VEC3',
        Float32Array.from(
          motion.poses.flatMap(({ shift }) => [...toGltf(Float32Array.from(shift), [0, 0, 0])]),
        ),
      )
    }
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

/** By pose x, y, z, w, in glTF's axes, each next to the one before: a quaternion and its negative are the same turn, but not halfway between two. */
function quaternions(poses: readonly MeshPose[]): Float32Array {
  const out = new Float32Array(4 * poses.length)
  poses.forEach(({ rotation }, i) => {
    const vector = toRotationVector(rotation)
    const angle = Math.hypot(...vector)
    const share = angle > 0 ? Math.sin(angle / 2) / angle : 0
    const turn = [share * vector[0], -share * vector[1], -share * vector[2], Math.cos(angle / 2)]
    const along =
      i === 0 ? 1 : turn.reduce((sum, value, c) => sum + value * (out[4 * (i - 1) + c] as number), 0)
    out.set(
      turn.map((value) => (along < 0 ? -value : value)),
      4 * i,
    )
  })
  return out
}

function mean(vertices: Float32Array, axis: number): number {
  let sum = 0
  for (let i = axis; i < vertices.length; i += 3) sum += vertices[i] as number
  return sum / (vertices.length / 3)
}
