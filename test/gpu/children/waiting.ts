import { performance as eventLoop } from 'node:perf_hooks'
// Measures the main thread's CPU time, beside the shader's, while a long dispatch runs: one workgroup of one
// thread keeps one core busy, so anything above one core is polling.
import { BufferUsage, MapMode } from '../../../src/gpu/device.js'
import { openTestDevice } from '../support.js'

const device = await openTestDevice()
const { gpu } = device
const module = gpu.createShaderModule({
  code: `@group(0) @binding(0) var<storage, read_write> state: array<u32>;
@compute @workgroup_size(1)
fn main() {
  var x = state[0] + 1u;
  for (var i = 0u; i < 150000000u; i++) { x = x * 1664525u + 1013904223u; }
  state[0] = x;
}`,
})
const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module } })
const state = device.buffers.createBuffer({ size: 16, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC })
const staging = device.buffers.createBuffer({ size: 16, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
const group = gpu.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer: state } }],
})
const encoder = gpu.createCommandEncoder()
const pass = encoder.beginComputePass()
pass.setPipeline(pipeline)
pass.setBindGroup(0, group)
pass.dispatchWorkgroups(1)
pass.end()
encoder.copyBufferToBuffer(state, 0, staging, 0, 16)

const original = globalThis.setImmediate
const begun = performance.now()
const before = process.cpuUsage()
gpu.queue.submit([encoder.finish()])
const loop = eventLoop.eventLoopUtilization()
await device.wait('read back', () => staging.mapAsync(MapMode.READ))
const { utilization } = eventLoop.eventLoopUtilization(loop)
const cpu = process.cpuUsage(before)
console.log(
  JSON.stringify({
    wallMs: performance.now() - begun,
    cpuMs: (cpu.user + cpu.system) / 1000,
    eventLoop: utilization,
    globalUntouched: globalThis.setImmediate === original,
  }),
)
device.dispose()
