import {
  type Graph,
  GraphBuilder,
  imageOutput,
  inputImages,
  inputTensor,
  loadNetworkFiles,
  outputTensor,
  registeredFlowConfig,
  type Value,
} from '../../src/engine.js'
import { SHIPPED_NETWORKS } from '../../src/face/network-files.js'
import { OPENING_GAPS } from '../../src/face/register/openings.js'
import { coefficientFeatures, coefficientNetwork } from '../../src/nets/coefficients.js'
import { FACE_DETECTOR_INPUT, faceDetector } from '../../src/nets/face-detector.js'
import { MESH_REGRESSOR_INPUT } from '../../src/nets/mesh-regressor.js'
import { meshRegressorAttention } from '../../src/nets/mesh-regressor-attention.js'
import { registeredFlows } from '../../src/nets/registered-flow.js'
import { registeredFaces } from '../../src/nets/registered-meshes.js'
import { SELFIE_SEGMENTATION_INPUT, selfieSegmentation } from '../../src/nets/selfie-segmentation.js'
import { compositeSheet } from '../../src/ops/image/composite-sheet.js'
import { frameType, IMAGE_TRANSFORM_TYPE } from '../../src/ops/image/image-input.js'
import { interpolate } from '../../src/ops/mesh/interpolate.js'
import { rasterise } from '../../src/ops/mesh/rasterise.js'

function graphOf(name: string, add: (graph: GraphBuilder) => void): Graph {
  const graph = new GraphBuilder(name)
  add(graph)
  return graph.build()
}

/** Pairs of all shipped networks in both directions, detector, mesh network and registration; matte and sheet of animations; coefficients. */
export async function shippedGraphs(): Promise<Graph[]> {
  const maxPixels = 2 ** 20
  const pairs = [...SHIPPED_NETWORKS, 'weights/dffnet.safetensors'].map(async (network) => {
    const config = {
      ...registeredFlowConfig(await loadNetworkFiles(network)),
      openings: OPENING_GAPS,
      lead: true,
    }
    return graphOf(`pair of ${network}`, (graph) => {
      for (const [part, values] of Object.entries(registeredFlows(graph, config))) {
        for (const [name, value] of Object.entries<Value>(values))
          outputTensor(graph, `${part} ${name}`, value)
      }
    })
  })
  const files = await loadNetworkFiles()
  return [
    ...(await Promise.all(pairs)),
    graphOf('detector', (graph) => {
      const photo = inputImages(graph, 'image', ['photo'], { ...FACE_DETECTOR_INPUT, maxPixels })
      for (const [name, value] of Object.entries(faceDetector(graph, photo))) outputTensor(graph, name, value)
    }),
    graphOf('mesh', (graph) => {
      const photo = inputImages(graph, 'image', ['photo'], { ...MESH_REGRESSOR_INPUT, maxPixels })
      for (const [name, value] of Object.entries(meshRegressorAttention(graph, photo))) {
        outputTensor(graph, name, value)
      }
    }),
    graphOf('matte', (graph) => {
      const photo = inputImages(graph, 'image', ['photo'], { ...SELFIE_SEGMENTATION_INPUT, maxPixels })
      outputTensor(graph, 'matte', selfieSegmentation(graph, photo))
    }),
    ...([3, 4] as const).map((channels) =>
      graphOf(channels === 3 ? 'animation' : 'further source of an animation', (graph) => {
        const [size, triangles] = [{ width: 8, height: 8 }, Uint32Array.of(0, 1, 2)]
        const corners = (name: string, c: number) => inputTensor(graph, name, { n: 1, h: 1, w: 3, c })
        const fragments = rasterise(graph, 'raster', corners('vertices', 3), { ...size, triangles })
        const places = { data: new Float32Array(12), channels: 4 }
        const colours = compositeSheet(graph, 'composite', {
          fragments,
          places: interpolate(graph, 'places', fragments, places, { triangles }),
          light: interpolate(graph, 'light', fragments, corners('gains', channels), { triangles }),
          sheet: inputTensor(graph, 'sheet', { n: 1, h: 8, w: 8, c: 4 }),
          backdrop: inputTensor(graph, 'backdrop', { n: 1, h: 8, w: 8, c: 3 }),
          patch: inputTensor(graph, 'patch', { n: 1, h: 8, w: 8, c: 4 }),
        })
        graph.output('frame', imageOutput(graph, 'pixels', colours))
      }),
    ),
    graphOf('expression', (graph) => {
      const config = {
        size: 224,
        meshFeatures: 67,
        regressorRoi: files.template.regressorRoi,
        ncc: files.ncc,
      }
      const frame = graph.input('frame', frameType(224, 224))
      const transform = (name: string) => graph.input(name, IMAGE_TRANSFORM_TYPE)
      const { meshes, flags } = registeredFaces(graph, 'faces', [frame], transform('roi'), config)
      const looks = { eyes: transform('eyes'), mouth: transform('mouth') }
      const rest = inputTensor(graph, 'rest', { n: 2, h: 1, w: 1, c: coefficientFeatures(config) })
      const known = inputTensor(graph, 'known', { n: 2, h: 1, w: 1, c: 1 })
      const mask = inputTensor(graph, 'mask', { n: 2, h: 1, w: 1, c: coefficientFeatures(config) })
      const inputs = { frame, mesh: meshes, looks, rest, known, mask }
      const read = coefficientNetwork(graph, 'read', inputs, config)
      for (const [name, value] of Object.entries({ meshes, flags, ...read })) outputTensor(graph, name, value)
    }),
    graphOf('registration', (graph) => {
      const size = { width: 224, height: 224, border: 'edge', maxPixels } as const
      graph.output('frame', imageOutput(graph, 'pixels', inputImages(graph, 'image', ['photo'], size)))
    }),
  ]
}
