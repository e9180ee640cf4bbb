import { Command } from 'commander'
import { listAdapters } from '../../src/gpu/doctor.js'
import { checkAdapter } from '../../src/runtime/self-test.js'
import { machineContext } from '../lib/context.js'
import { main, print, writeJson } from '../lib/report.js'

/** Part of the report: which adapters there are, the one that is taken, and whether it computes what it should. */
const command = new Command('report:adapter')
  .option('--adapter <choice>', 'as in the other scripts')
  .option('--json <file>')
  .parse()

await main(async () => {
  const options = command.opts<{ adapter?: string; json?: string }>()
  const check = await checkAdapter(options.adapter === undefined ? {} : { adapter: options.adapter })
  print(`${check.selection}: self-test ${check.test.passed ? 'passed' : 'FAILED'}`)
  await writeJson(options.json, { context: machineContext(), check, adapters: await listAdapters() })
  return check.test.passed ? 0 : 1
})
