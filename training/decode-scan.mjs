// Decodes the one mesh of a Draco-compressed .glb: node decode-scan.mjs HEAD.glb scanned_head.json, after `npm install --no-save draco3d`.
// Writes { v: positions, uv, t: corners } as flat lists, which the level `scanned` of the generators reads.
import { readFileSync, writeFileSync } from 'node:fs'
import draco3d from 'draco3d'

const [source, target] = process.argv.slice(2)
const glb = readFileSync(source)
const jsonLength = glb.readUInt32LE(12)
const scene = JSON.parse(glb.toString('utf8', 20, 20 + jsonLength))
const { bufferView, attributes } = scene.meshes[0].primitives[0].extensions.KHR_draco_mesh_compression
const { byteOffset = 0, byteLength } = scene.bufferViews[bufferView]
const start = 20 + jsonLength + 8 + byteOffset
const data = new Int8Array(glb.subarray(start, start + byteLength))

const draco = await draco3d.createDecoderModule({})
const [decoder, buffer, mesh] = [new draco.Decoder(), new draco.DecoderBuffer(), new draco.Mesh()]
buffer.Init(data, data.length)
const status = decoder.DecodeBufferToMesh(buffer, mesh)
if (!status.ok()) throw new Error(`${source}: ${status.error_msg()}`)
const floats = (id, components) => {
  const out = new draco.DracoFloat32Array()
  decoder.GetAttributeFloatForAllPoints(mesh, decoder.GetAttributeByUniqueId(mesh, id), out)
  return Array.from({ length: mesh.num_points() * components }, (_, i) => out.GetValue(i))
}
const corners = []
const face = new draco.DracoInt32Array()
for (let i = 0; i < mesh.num_faces(); i++) {
  decoder.GetFaceFromMesh(mesh, i, face)
  corners.push(face.GetValue(0), face.GetValue(1), face.GetValue(2))
}
writeFileSync(target, JSON.stringify({ v: floats(attributes.POSITION, 3), uv: floats(attributes.TEXCOORD_0, 2), t: corners }))
