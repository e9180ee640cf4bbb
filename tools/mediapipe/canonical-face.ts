import { EngineError } from '../../src/errors.js'
import type { TensorToWrite } from '../../src/weights/safetensors.js'

/** Field numbers of the geometry metadata (protobuf): canonical mesh > vertex and index buffer. */
const FIELD = { canonicalMesh: 1, vertexBuffer: 3, indexBuffer: 4 } as const
const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const
const FLOATS_PER_VERTEX = 5
const VERTICES = 468
const TRIANGLES = 898

interface Field {
  readonly number: number
  /** Varint or raw 32 bits. */
  readonly value: number
  readonly bytes: Uint8Array
}

/**
 * The canonical face: `positions` [468, 3] in centimetres in our axes (x right as seen by the camera, y down,
 * z away from the camera; the source has y up and z towards it), `uv` [468, 2] with v down, and `triangles`
 * [898, 3] (the two axes turn together, so the winding stays as it was).
 * @throws EngineError INVALID_INPUT if the bytes are not that message
 */
export function canonicalFace(message: Uint8Array): TensorToWrite[] {
  const mesh = readFields(message).find((f) => f.number === FIELD.canonicalMesh)
  const fields = mesh === undefined ? [] : readFields(mesh.bytes)
  const vertices = fields.filter((f) => f.number === FIELD.vertexBuffer).map((f) => bitsToFloat(f.value))
  const triangles = fields.filter((f) => f.number === FIELD.indexBuffer).map((f) => f.value)
  if (vertices.length !== VERTICES * FLOATS_PER_VERTEX || triangles.length !== TRIANGLES * 3) {
    throw new EngineError(
      'INVALID_INPUT',
      `the geometry part holds ${vertices.length} vertex floats and ${triangles.length} indices where ${VERTICES * FLOATS_PER_VERTEX} and ${TRIANGLES * 3} are expected; check the byte range`,
    )
  }
  const column = (vertex: number, i: number) => vertices[vertex * FLOATS_PER_VERTEX + i] ?? Number.NaN
  const all = Array.from({ length: VERTICES }, (_, v) => v)
  return [
    {
      name: 'positions',
      dtype: 'F32',
      shape: [VERTICES, 3],
      values: all.flatMap((v) => [column(v, 0), -column(v, 1), -column(v, 2)]),
    },
    {
      name: 'uv',
      dtype: 'F32',
      shape: [VERTICES, 2],
      values: all.flatMap((v) => [column(v, 3), column(v, 4)]),
    },
    { name: 'triangles', dtype: 'I32', shape: [TRIANGLES, 3], values: triangles },
  ]
}

function readFields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Field[] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = view.getUint8(at++)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new EngineError('INVALID_INPUT', 'the geometry part is no protobuf message: a number does not end')
  }
  while (at < bytes.length) {
    const key = varint()
    const number = key >>> 3
    switch (key & 7) {
      case WIRE.varint:
        fields.push({ number, value: varint(), bytes: new Uint8Array() })
        break
      case WIRE.bytes: {
        const length = varint()
        fields.push({ number, value: 0, bytes: bytes.subarray(at, at + length) })
        at += length
        break
      }
      case WIRE.fixed32:
        fields.push({ number, value: view.getUint32(at, true), bytes: new Uint8Array() })
        at += 4
        break
      default:
        throw new EngineError('INVALID_INPUT', `the geometry part has a field of wire type ${key & 7}`)
    }
  }
  return fields
}

function bitsToFloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, bits)
  return view.getFloat32(0)
}
