import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageFacts } from '../src/platform/node/package-root.js'
import { KNOWN_RESULTS_FILE } from '../src/runtime/known-results.js'
import { resultsFor } from '../test/kernels/known-results.js'
import { shippedGraphs } from '../test/support/shipped-graphs.js'

/**
 * Writes kernels/self-test.json: results of the float64 references on cases that run every kernel of the shipped
 * networks. To be run when kernels, ops, networks or cases change: npx tsx tools/make-self-test.ts
 */
const results = resultsFor(await shippedGraphs())
const lines = results.map((result) => JSON.stringify(result)).join(',\n')
await writeFile(join(packageFacts().root, 'kernels', KNOWN_RESULTS_FILE), `[\n${lines}\n]\n`)
process.stdout.write(`${results.length} results: ${results.map(({ name }) => name).join('; ')}\n`)
