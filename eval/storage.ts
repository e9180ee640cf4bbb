import { join } from 'node:path'
import { Command, Option } from 'commander'
import { Engine } from '../src/engine.js'
import { readPairs } from './pairs.js'
import { REAL_FOLDER, readRealPairs } from './real-set.js'
import { storageDifference } from './storage-difference.js'

/** npm run eval:storage: what f16 storage changes in the flow of the shipped network, on all pairs of test/fixtures/eval. */
const program = new Command('eval:storage')
  .description('Flow of the shipped network in f16 storage against f32, on the pairs of test/fixtures/eval.')
  .option('--adapter <name>', 'hardware, software, embedded or part of an adapter name; it needs shader-f16')
  .option('--network <name>', 'network of the package', 'dffnet-m')
  .option('--every <n>', 'only every n-th pair', '1')
  .addOption(new Option('--schedule <name>').choices(['software', 'hardware']).default('software'))
const options = program.parse().opts<{
  adapter?: string
  network: string
  every: string
  schedule: 'software' | 'hardware'
}>()

const folder = (name: string) => join('test', 'fixtures', 'eval', name)
const pairs = [
  ...(await readPairs(folder('rendered'))),
  ...(await readPairs(folder('photowarp'))),
  ...(await readRealPairs(REAL_FOLDER)),
].filter((_, index) => index % Number(options.every) === 0)
const engine = await Engine.open(options.adapter === undefined ? {} : { adapter: options.adapter })
try {
  const report = await storageDifference(engine, pairs, options)
  const worst = Math.max(...report.pairs.map((pair) => pair.worst))
  const means = report.pairs.map(({ mean }) => mean)
  const mebi = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const lines = [
    `${engine.selection}, ${options.schedule} schedule, ${options.network}`,
    '| pair | mean px | worst px |',
    '|---|---|---|',
    ...report.pairs.map((pair) => `| ${pair.pair} | ${pair.mean.toFixed(4)} | ${pair.worst.toFixed(3)} |`),
    `means ${Math.min(...means).toFixed(4)} to ${Math.max(...means).toFixed(4)} px, worst pixel ${worst.toFixed(3)} px`,
    `tensors ${mebi(report.f32.tensors)} in f32, ${mebi(report.f16.tensors)} in f16; ` +
      `weights ${mebi(report.f32.weights)} and ${mebi(report.f16.weights)}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
} finally {
  engine.dispose()
}
