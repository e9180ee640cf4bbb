import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { BufferUsage, MapMode, openDevice } from '../../src/gpu/device.js'

/** Cells of variational_sweep_tile.wgsl around every cell of its tile, by the kernel's own functions. */
async function neighbours(): Promise<{ cells: Uint32Array; region: number; size: number }> {
  const kernel = await readFile('kernels/variational_sweep_tile.wgsl', 'utf8')
  const constant = (name: string): number => Number(kernel.match(`const ${name} = (\\d+)u;`)?.[1])
  const region = constant('REGION')
  const functions = ['cellOf', 'around'].map((name) => kernel.match(`fn ${name}\\([^}]*}`)?.[0])
  const device = await openDevice()
  const bytes = region * region * 5 * 4
  const module = device.gpu.createShaderModule({
    code: `const PITCH = ${constant('PITCH')}u;
const REGION = ${region}u;
const CELLS = ${constant('CELLS')}u;
${functions.join('\n')}
@group(0) @binding(0) var<storage, read_write> found: array<u32>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = cellOf(id.x, id.y);
  let places = around(at);
  let first = (id.y * REGION + id.x) * 5u;
  found[first] = at;
  for (var side = 0u; side < 4u; side++) { found[first + 1u + side] = places[side]; }
}`,
  })
  const pipeline = await device.gpu.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const found = device.buffers.createBuffer({
    size: bytes,
    usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC,
  })
  const staging = device.buffers.createBuffer({
    size: bytes,
    usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
  })
  const encoder = device.gpu.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(
    0,
    device.gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: found } }],
    }),
  )
  pass.dispatchWorkgroups(region / 8, region / 8)
  pass.end()
  encoder.copyBufferToBuffer(found, 0, staging, 0, bytes)
  device.gpu.queue.submit([encoder.finish()])
  await device.wait('read back', () => staging.mapAsync(MapMode.READ))
  const cells = new Uint32Array(staging.getMappedRange().slice(0))
  device.dispose()
  return { cells, region, size: constant('CELLS') }
}

it('a half sweep of the tile reads no cell that it writes, at the rim either', async () => {
  const { cells, region, size } = await neighbours()
  const colours = new Map<number, number>()
  for (let i = 0; i < region * region; i++) {
    colours.set(cells[5 * i] as number, (i + Math.floor(i / region)) % 2)
  }
  expect(colours.size).toBe(region * region)
  let beyond = 0
  for (let i = 0; i < region * region; i++) {
    const own = colours.get(cells[5 * i] as number)
    for (let side = 1; side <= 4; side++) {
      const place = cells[5 * i + side] as number
      expect(place).toBeLessThan(size)
      const colour = colours.get(place)
      if (colour === undefined) beyond++
      else expect(colour).toBe(1 - (own as number))
    }
  }
  expect(beyond).toBe(4 * region)
})
