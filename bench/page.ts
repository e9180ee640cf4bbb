import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { packageFacts } from '../src/platform/node/package-root.js'
import { fillPage } from './lib/markdown.js'
import { main, print } from './lib/report.js'
import { gpusPart, type Report } from './page/gpus.js'
import { compiledPart, modelPart } from './page/hardware.js'
import { frontEndPart, hostPart, layersPart, pairPart, peersPart } from './page/measured.js'
import type { Part } from './page/part.js'
import { targetsTable } from './page/targets.js'

/** Fills the tables and plots of docs/performance.md from the JSON files of the other scripts. */
const command = new Command('bench:page')
  .description('Fills the tables and plots of docs/performance.md from results that the other scripts wrote')
  .option('--results <folder>', 'JSON files', join(packageFacts().root, 'bench', 'results'))
  .option('--docs <folder>', 'where performance.md and performance/ lie', join(packageFacts().root, 'docs'))
  .parse()

const PARTS: Readonly<Record<string, (results: readonly never[]) => Part>> = {
  peers: peersPart,
  'front-end': frontEndPart,
  pair: pairPart,
  host: hostPart,
  ops: layersPart,
  'gpu-compile': compiledPart,
  roofline: modelPart,
}

await main(async () => {
  const { results, docs } = command.opts<{ results: string; docs: string }>()
  const byScript = new Map<string, unknown[]>()
  for (const file of (await readdir(results)).sort()) {
    if (!file.endsWith('.json')) continue
    const result = JSON.parse(await readFile(join(results, file), 'utf8')) as { readonly script?: string }
    if (result.script === undefined) continue
    byScript.set(result.script, [...(byScript.get(result.script) ?? []), result])
  }
  const page = join(docs, 'performance.md')
  const texts: Record<string, string> = {}
  await mkdir(join(docs, 'performance'), { recursive: true })
  for (const [script, make] of Object.entries(PARTS)) {
    const found = byScript.get(script)
    if (found === undefined) {
      print(`no results of bench:${script} in ${results}; its part stays as it is`)
      continue
    }
    const part = make(found as never[])
    for (const [name, svg] of Object.entries(part.plots))
      await writeFile(join(docs, 'performance', `${name}.svg`), svg)
    texts[script] = part.markdown
  }
  texts.gpus = gpusPart(await readReports(join(results, 'gpus'))).markdown
  const all = (script: string): readonly never[] => (byScript.get(script) ?? []) as never[]
  texts.targets = targetsTable({
    peers: all('peers'),
    pair: all('pair'),
    ops: all('ops'),
    compiled: all('gpu-compile'),
    roofline: all('roofline'),
  })
  await writeFile(page, fillPage(await readFile(page, 'utf8'), texts))
  return 0
})

/** Reports of `bench:report`, one file an adapter; people send theirs. */
async function readReports(folder: string): Promise<Report[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort()
  return await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Report),
  )
}
