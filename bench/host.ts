import { describeLoad, LoadMeter, machineContext } from './lib/context.js'
import { hostCosts } from './lib/host-cost.js'
import { type BenchOptions, benchCommand } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { formatTable } from './lib/table.js'

const command = benchCommand(
  'bench:host',
  'CPU time of the face level outside of the GPU: on a device that takes all commands and computes nothing',
).parse()

await main(async () => {
  const options = command.opts<BenchOptions>()
  const load = new LoadMeter()
  const costs = await hostCosts(options.adapter, options.runs ?? (options.quick ? 10 : 60))
  print(
    formatTable(
      ['outside of the GPU', 'runs', 'min ms', 'median', 'CPU mean', 'submissions'],
      costs.map((c) => [c.what, c.runs, c.minMs, c.medianMs, c.cpuMs, c.submissions]),
    ),
  )
  const ended = load.stop()
  print(describeLoad(ended))
  await writeJson(options.json, { script: 'host', context: machineContext(), load: ended, costs })
  return 0
})
