import { EngineError } from '../../src/errors.js'
import { Engine } from '../../src/runtime/engine.js'
import { allCases } from '../../test/cases/index.js'
import { CASE_BOUNDS, F16_NMSE, runCase } from '../../test/kernels/run-case.js'
import { type BenchOptions, benchCommand } from '../lib/options.js'
import { main, print, writeJson } from '../lib/report.js'

/** Part of the report: every case of the tests in one schedule against its float64 reference, forced variants too. */
const command = benchCommand('report:cases', 'Every case of the tests against its float64 reference').parse()

interface CaseFault {
  readonly name: string
  readonly what: string
}

await main(async () => {
  const options = command.opts<BenchOptions>()
  const schedule = options.schedule ?? 'hardware'
  const engine = await Engine.open(options.adapter === undefined ? {} : { adapter: options.adapter })
  const faults: CaseFault[] = []
  let count = 0
  let worst = 0
  for (const opCase of allCases) {
    const named = opCase.variants?.filter((run) => run.schedule === schedule) ?? [{ schedule }]
    // Forced variants are tested once, with f32: storage changes loads and stores, which the schedule's own choice shows.
    const variants = options.storage === 'f16' ? [undefined] : new Set(named.map(({ variant }) => variant))
    for (const variant of variants) {
      const name = variant === undefined ? opCase.name : `${opCase.name} [${variant}]`
      count++
      try {
        const { nmse, maxError, range } = await runCase(engine, opCase, schedule, variant, options.storage)
        const bounds = opCase.bounds ?? CASE_BOUNDS
        const isRight =
          options.storage === 'f16'
            ? nmse <= F16_NMSE
            : nmse <= bounds.nmse && maxError <= bounds.maxError * Math.max(range, 1e-3)
        if (options.storage === 'f32') worst = Math.max(worst, nmse)
        if (!isRight)
          faults.push({ name, what: `nmse ${nmse.toExponential(1)}, max ${maxError.toExponential(1)}` })
      } catch (error) {
        faults.push({ name, what: error instanceof Error ? error.message.slice(0, 300) : String(error) })
        if (error instanceof EngineError && error.code === 'DEVICE_LOST') break
      }
      // Written as it goes: a driver that hangs leaves what came before.
      if (count % 50 === 0) await write()
    }
  }
  async function write(): Promise<void> {
    await writeJson(options.json, { schedule, storage: options.storage, count, worst, faults })
  }
  await write()
  engine.dispose()
  print(`${count} cases, ${schedule} schedule, ${options.storage}: ${faults.length} wrong`)
  for (const { name, what } of faults.slice(0, 20)) print(`  ${name}: ${what}`)
  return faults.length > 0 ? 1 : 0
})
