/**
 * `deepfaceflow/engine`: the compute engine for programs that link it. Devices, graphs, plans, the ops, our networks
 * as graph functions, weight files.
 */
export { DeepFaceFlowError, EngineError, type ErrorCode } from './errors.js'
export type { DepthFile } from './face/depth-file.js'
export { loadNetworkFiles, type NetworkFiles, SHIPPED_NETWORKS } from './face/network-files.js'
export { registeredFlowConfig, registeredFlowWeights } from './face/registered-pair.js'
export type { AdapterChoice, OpenDeviceOptions } from './gpu/device.js'
export { type AttributeChecks, type Check, checks } from './graph/arguments.js'
export {
  addNode,
  type Graph,
  GraphBuilder,
  type GraphInput,
  type GraphNode,
  type GraphOutput,
  type Value,
} from './graph/graph.js'
export { shapeError, tensorInput } from './graph/infer.js'
export { columnTiles, inputAt, linearGrid, tileGrid } from './graph/lowering.js'
export { NO_EPILOGUE, tensorOf } from './graph/op.js'
export {
  type PlanOptions,
  type PlanSpec,
  planGraph,
  type Step,
} from './graph/plan.js'
export { type PlanTotals, planTotals, printPlan } from './graph/print-plan.js'
export {
  channelsOf,
  describeType,
  planesOf,
  type RawType,
  type TensorType,
  tensorType,
  type ValueType,
  vec4sPerBatch,
} from './graph/tensor.js'
export {
  DEPTHS,
  type DepthFromMotionConfig,
  type DepthSource,
  depthFromMotion,
  depthFromMotionConfig,
  depthFromMotionShapes,
} from './nets/depth-from-motion.js'
export { type DffnetConfig, dffnet, FLOW_UNIT } from './nets/dffnet.js'
export {
  EXTENT_WEIGHT,
  type FaceExtentConfig,
} from './nets/face-extent.js'
export { REFINEMENTS, type Refinement, refineFlow } from './nets/refinement.js'
export {
  MAX_REGISTERED_BATCH,
  REGISTERED_INPUTS,
  type RegisteredFlow,
  type RegisteredFlowConfig,
  registeredFlow,
  registeredInputNames,
} from './nets/registered-flow.js'
export {
  type RegisteredMeshesConfig,
  registeredMeshes,
  registeredRoiTransform,
} from './nets/registered-meshes.js'
export * from './ops/index.js'
export type { AdapterCaps, AdapterLimits } from './platform/caps.js'
export type { AutotuneOptions, LayerTiming } from './runtime/autotune.js'
export type { BufferSlice, DeviceData } from './runtime/device-data.js'
export { type CompileOptions, Engine, type EngineOptions, type EngineStats } from './runtime/engine.js'
export type { KernelTestOptions } from './runtime/kernel-test.js'
export {
  Plan,
  type PlanInputs,
  type PlanJob,
  type PlanTargets,
  type RunOptions,
} from './runtime/plan.js'
export type { Profile, StepTime } from './runtime/profile.js'
export type { ComputeOptions, PlanOutputs, ReadOptions } from './runtime/readback.js'
export { type TunableLayer, tunableLayers } from './runtime/tunable.js'
export { readSafetensors } from './weights/safetensors.js'
export { WeightFile } from './weights/weight-file.js'
