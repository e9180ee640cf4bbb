import { join } from 'node:path'
import { Engine } from '../src/engine.js'
import { DeepFaceFlow, decodePhoto } from '../src/index.js'
import { packageFacts } from '../src/platform/node/package-root.js'
import { describeLoad, LoadMeter, machineContext } from './lib/context.js'
import { type BenchOptions, benchCommand } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'

/** Pairs of frames that the soak goes round; each differs from the others. */
const FRAMES = ['pair0-1', 'pair0-2', 'pair1-1', 'pair1-2', 'pair2-1', 'pair2-2', 'pair3-1', 'pair3-2']
const IN_FLIGHT = 3

const command = benchCommand(
  'bench:soak',
  'Registered pairs with three in flight (default 2,000): the bits of pairs in series, in order, live bytes flat; fails where not',
).parse()

await main(async () => {
  const options = command.opts<BenchOptions>()
  const runs = options.runs ?? (options.quick ? 50 : 2000)
  const load = new LoadMeter()
  const frames = await Promise.all(
    FRAMES.map((name) => decodePhoto(join(packageFacts().root, 'test/fixtures/dffnet', `${name}.png`))),
  )
  const engine = await Engine.open(options.adapter === undefined ? {} : { adapter: options.adapter })
  const face = await DeepFaceFlow.create({ engine, weights: 'dffnet-m-small' })
  const pair = (run: number) =>
    face.flowRegistered(
      frames[run % frames.length] as (typeof frames)[0],
      frames[(run + 1) % frames.length] as (typeof frames)[0],
      { backward: false },
    )
  const inSeries: Float32Array[] = []
  for (let run = 0; run < frames.length; run++) inSeries.push((await pair(run)).flow)
  // The readback buffers of runs in flight have been made after this.
  await Promise.all([0, 1, 2].map(pair))
  const before = engine.stats
  const start = performance.now()
  let [differing, misplaced, last] = [0, 0, -1]
  let flat = true
  const waiting: Promise<void>[] = []
  for (let run = 0; run < runs; run++) {
    const result = pair(run).then(({ flow }) => {
      const wanted = inSeries[run % frames.length] as Float32Array
      if (!Buffer.from(flow.buffer).equals(Buffer.from(wanted.buffer))) differing++
      if (run !== last + 1) misplaced++
      last = run
    })
    waiting.push(result)
    if (waiting.length === IN_FLIGHT) await waiting.shift()
    flat &&= engine.stats.liveBytes === before.liveBytes
  }
  await Promise.all(waiting)
  const seconds = (performance.now() - start) / 1000
  const { liveBytes, liveBuffers } = engine.stats
  flat &&= liveBytes === before.liveBytes && liveBuffers === before.liveBuffers
  const result = {
    runs,
    inFlight: IN_FLIGHT,
    differing,
    misplaced,
    flat,
    liveBytes,
    seconds,
    adapter: face.adapter,
  }
  face.dispose()
  engine.dispose()
  const ended = load.stop()
  print(
    `${runs} pairs, ${IN_FLIGHT} in flight, ${seconds.toFixed(0)} s on ${result.adapter}: ${differing} differ from those in series, ` +
      `${misplaced} out of order, live bytes ${flat ? 'flat' : 'not flat'} (${(liveBytes / 2 ** 20).toFixed(1)} MiB)`,
  )
  print(describeLoad(ended))
  await writeJson(options.json, { script: 'soak', context: machineContext(), load: ended, ...result })
  return differing === 0 && misplaced === 0 && flat ? 0 : 1
})
