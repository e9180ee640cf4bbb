import {
  type Graph,
  GraphBuilder,
  imageOutput,
  inputImages,
  loadNetworkFiles,
  outputTensor,
  registeredFlowConfig,
} from '../../src/engine.js'
import { FACE_DETECTOR_INPUT, faceDetector } from '../../src/nets/face-detector.js'
import { MESH_REGRESSOR_INPUT } from '../../src/nets/mesh-regressor.js'
import { meshRegressorAttention } from '../../src/nets/mesh-regressor-attention.js'
import { registeredFlows } from '../../src/nets/registered-flow.js'

function graphOf(name: string, add: (graph: GraphBuilder) => void): Graph {
  const graph = new GraphBuilder(name)
  add(graph)
  return graph.build()
}

/** Pairs of all shipped networks in both directions, detector, mesh network and registration. */
export async function shippedGraphs(): Promise<Graph[]> {
  const maxPixels = 2 ** 20
  const pairs = ['dffnet-m', 'dffnet-m-small', 'weights/dffnet.safetensors'].map(async (network) => {
    const config = registeredFlowConfig(await loadNetworkFiles(network))
    return graphOf(`pair of ${network}`, (graph) => {
      for (const [direction, values] of Object.entries(registeredFlows(graph, config))) {
        for (const [name, value] of Object.entries(values)) outputTensor(graph, `${direction} ${name}`, value)
      }
    })
  })
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
    graphOf('registration', (graph) => {
      const size = { width: 224, height: 224, border: 'edge', maxPixels } as const
      graph.output('frame', imageOutput(graph, 'pixels', inputImages(graph, 'image', ['photo'], size)))
    }),
  ]
}
