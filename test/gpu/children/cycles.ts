// Opens, uses and disposes devices; prints the growth of resident memory over the second half.
import { BufferUsage } from '../../../src/gpu/device.js'
import { openTestDevice, runScale } from '../support.js'

const half = Number(process.argv[2])
const megabyte = new Uint8Array(1 << 20).fill(1)

async function cycles(): Promise<number> {
  for (let i = 0; i < half; i++) {
    const device = await openTestDevice()
    // Never destroyed one by one: dispose() has to.
    const buffer = device.buffers.createBuffer({
      size: megabyte.length,
      usage: BufferUsage.STORAGE | BufferUsage.COPY_DST,
    })
    device.gpu.queue.writeBuffer(buffer, 0, megabyte)
    await runScale(device, 1000, 2)
    device.dispose()
    if (device.buffers.liveBytes !== 0) throw new Error(`${device.buffers.liveBytes} bytes are left`)
  }
  globalThis.gc?.()
  return process.memoryUsage().rss
}

const first = await cycles()
const second = await cycles()
console.log(JSON.stringify({ grownMiB: (second - first) / (1 << 20) }))
