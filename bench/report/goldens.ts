import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { Engine } from '../../src/runtime/engine.js'
import { GOLDEN_BOUND, GOLDEN_NETWORKS, goldenDifferences } from '../../test/nets/dffnet-goldens.js'
import { type BenchOptions, benchCommand } from '../lib/options.js'
import { main, print, writeJson } from '../lib/report.js'

/** Part of the report: the shipped networks on the committed real pairs against PyTorch. */
const command = benchCommand('report:goldens', 'Shipped networks against their goldens').parse()

await main(async () => {
  const options = command.opts<BenchOptions>()
  const engine = await Engine.open(options.adapter === undefined ? {} : { adapter: options.adapter })
  const folder = join(packageFacts().root, 'test', 'fixtures', 'dffnet')
  const worst: Record<string, number> = {}
  for (const network of GOLDEN_NETWORKS) {
    worst[network] = Math.max(...(await goldenDifferences(engine, network, folder)))
    await writeJson(options.json, { bound: GOLDEN_BOUND, worst })
    print(`${network}: at most ${worst[network].toFixed(4)} px from its golden, bound ${GOLDEN_BOUND}`)
  }
  engine.dispose()
  return Object.values(worst).every((px) => px < GOLDEN_BOUND) ? 0 : 1
})
