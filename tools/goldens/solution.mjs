import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const FOLDER = '/node_modules/@mediapipe/face_mesh'
const ROI_STREAM = 'rois_from_detections'
/** Field numbers of MediaPipe's graph message: nodes, and a node's output streams. */
const [NODE, OUTPUT_STREAM] = [1, 4]

/**
 * The solution's script and graph with one more result: the regions of interest that its detector gave. The face
 * landmark subgraph computes them anyway and offers them as an output, which the shipped graph leaves unconnected.
 * Nothing that is computed changes.
 */
export async function solutionWithRois(root) {
  const script = await readFile(join(root, FOLDER, 'face_mesh.js'), 'utf8')
  const graph = await readFile(join(root, FOLDER, 'face_mesh.binarypb'))
  const patched = script
    .replace('"multi_face_landmarks"],outs:{', `"multi_face_landmarks","${ROI_STREAM}"],outs:{`)
    .replace(
      'outs:{image:"image_transformed",',
      `outs:{image:"image_transformed",rois:{type:"proto_list",stream:"${ROI_STREAM}",transform:function(a){return a}},`,
    )
  if (patched.length === script.length)
    throw new Error('face_mesh.js is not the version that this tool knows')
  return {
    [`${FOLDER}/face_mesh.js`]: patched,
    [`${FOLDER}/face_mesh.binarypb`]: connectOutput(
      graph,
      'FaceLandmarkFrontGpu',
      `ROIS_FROM_DETECTIONS:${ROI_STREAM}`,
    ),
  }
}

/** Adds an output stream to the node of one calculator. */
function connectOutput(graph, calculator, stream) {
  const pieces = []
  for (let at = 0; at < graph.length; ) {
    const start = at
    const tag = graph[at++]
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = graph[at++]
      length += (byte & 127) << shift
      if (byte < 128) break
    }
    const body = graph.subarray(at, at + length)
    at += length
    if (tag >> 3 === NODE && body.includes(calculator)) {
      pieces.push(bytesField(NODE, Buffer.concat([body, bytesField(OUTPUT_STREAM, Buffer.from(stream))])))
    } else {
      pieces.push(graph.subarray(start, at))
    }
  }
  return Buffer.concat(pieces)
}

function bytesField(number, body) {
  const length = []
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body])
}
