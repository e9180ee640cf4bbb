import { join } from 'node:path'
import { Command } from 'commander'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { DeepFaceFlow, decodePhoto } from '../../src/index.js'
import { describeLoad, LoadMeter, machineContext } from '../lib/context.js'
import { type Sample, sampleOnce, timingOf } from '../lib/measure.js'
import { positive } from '../lib/options.js'
import { main, print, writeJson } from '../lib/report.js'
import { formatTable } from '../lib/table.js'
import { openMediaPipe } from './front-end/chromium.js'

/** Photo in memory to mesh: our front end on WebGPU beside MediaPipe's own face mesh in Chromium. */
const command = new Command('front-end')
  .description("Photo to mesh: ours beside MediaPipe's own face mesh (WebAssembly and WebGL in Chromium)")
  .option('--adapter <choice>', 'our adapter', 'embedded')
  .option('--runs <n>', 'timed rounds', positive, 5)
  .option('--json <file>', 'also write the figures to a file')
  .parse()

await main(async () => {
  const { adapter, runs, json } = command.opts<{ adapter: string; runs: number; json?: string }>()
  const { root } = packageFacts()
  const photo = join(root, 'test', 'fixtures', 'photos', 'franck_02045.jpg')
  const load = new LoadMeter()
  const image = await decodePhoto(photo)
  const face = await DeepFaceFlow.create({ adapter })
  const mediaPipe = await openMediaPipe(join(root, 'bench', 'peers'), photo)
  try {
    // The first run of each compiles and loads.
    const [first] = await face.detect(image)
    const { landmarks } = await mediaPipe.run()
    const samples: Record<'ours' | 'theirs', Sample[]> = { ours: [], theirs: [] }
    for (let round = 0; round < runs; round++) {
      samples.ours.push(
        await sampleOnce(async () => {
          await face.detect(image)
          return undefined
        }),
      )
      const { ms, cpuMs } = await mediaPipe.run()
      samples.theirs.push({ wallMs: ms, cpuMs, gpuMs: undefined })
    }
    const apart = first === undefined ? undefined : meanDistance(first.landmarks468, landmarks)
    const rows = [
      {
        title: 'deepfaceflow, detect()',
        device: face.adapter.replace(/,? because.*/, ''),
        timing: timingOf(samples.ours),
      },
      {
        title: '@mediapipe/face_mesh 0.4, Chromium',
        device: 'WebAssembly, WebGL on SwiftShader',
        timing: timingOf(samples.theirs),
      },
    ]
    print(
      formatTable(
        ['front end', 'on', 'ms min', 'ms median', 'cpu ms median'],
        rows.map((r) => [r.title, r.device, r.timing.wall.min, r.timing.wall.median, r.timing.cpu.median]),
      ),
    )
    print(
      `their 468 landmarks lie ${apart?.toFixed(2)} px from ours on average (photo of ${image.width} x ${image.height} px)`,
    )
    const ended = load.stop()
    print(describeLoad(ended))
    await writeJson(json, {
      script: 'front-end',
      context: machineContext(),
      load: ended,
      rows,
      landmarksApartPx: apart,
    })
  } finally {
    face.dispose()
    await mediaPipe.close()
  }
  return 0
})

/** @param ours 468 x 3  @param theirs 478 x 2 */
function meanDistance(ours: Float32Array, theirs: readonly number[]): number {
  let sum = 0
  const count = ours.length / 3
  for (let i = 0; i < count; i++) {
    const dx = (ours[3 * i] ?? 0) - (theirs[2 * i] ?? Number.NaN)
    const dy = (ours[3 * i + 1] ?? 0) - (theirs[2 * i + 1] ?? Number.NaN)
    sum += Math.hypot(dx, dy)
  }
  return sum / count
}
