import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeJpeg, encodePng } from '../platform/index.js'
import { outputFailed } from '../platform/node/atomic.js'
import { blank, paste } from '../viz/canvas.js'
import { DATASET_FILES, type Dataset } from './dataset.js'
import type { CorpusFigures } from './report-figures.js'
import { drawExamples, drawHistograms } from './report-pictures.js'

type Facts = Omit<Dataset, 'files' | 'seal' | 'run'>

/**
 * Writes `report.html`, which needs no other file, and `report.png` with the same pictures. Equal content gives equal bytes.
 * @throws FaceError OUTPUT_FAILED
 */
export async function writeReport(folder: string, figures: CorpusFigures, facts: Facts): Promise<void> {
  const histograms = await drawHistograms(figures.histograms, facts.counts.rejected)
  const examples = await drawExamples(figures.examples)
  const gap = examples === null ? 0 : 12
  const width = Math.max(histograms.width, examples?.width ?? 0)
  const sheet = blank(width, histograms.height + gap + (examples?.height ?? 0))
  paste(sheet, histograms, 0, 0)
  if (examples) paste(sheet, examples, 0, histograms.height + gap)
  const html = page(facts, [
    ['Figures', 'image/png', await encodePng(histograms)],
    ...(examples ? ([['Examples', 'image/jpeg', await encodeJpeg(examples)]] as const) : []),
  ])
  const files: readonly (readonly [string, Uint8Array | string])[] = [
    [DATASET_FILES.picture, await encodePng(sheet)],
    [DATASET_FILES.report, html],
  ]
  for (const [name, content] of files) {
    await writeFile(join(folder, name), content).catch((cause: unknown) => {
      throw outputFailed(join(folder, name), cause)
    })
  }
}

type Picture = readonly [title: string, type: string, bytes: Uint8Array]

function page(facts: Facts, pictures: readonly Picture[]): string {
  const { counts, splits, engine, license, options, flow } = facts
  const rows: [string, string | number][] = [
    ['entries', `${counts.complete} complete, ${counts.failed} failed, ${counts.open} open`],
    ['frames', counts.frames],
    ['cuts', counts.cuts],
    ['tracks', counts.tracks],
    ['faces', `${counts.faces}, ${counts.usable_faces} of them passed the filters`],
    ['pairs', counts.pairs],
    ...Object.entries(splits).map(([name, { pairs, shards }]): [string, string] => [
      `split ${name}`,
      `${pairs} pairs in ${shards} shards`,
    ]),
    ['license', license ?? 'not stated'],
    ['weights', `${engine.weights.name} ${engine.weights.hash.slice(0, 12)}`],
    ['version', facts.version],
    ['refinement, depth, extent', `${engine.refinement}, ${engine.depthSource}, ${engine.extent}`],
    ['seed', options.seed],
    ['flow', `float16, largest rounding error ${flow.largest_error.toFixed(4)} px`],
  ]
  const table = (lines: readonly (readonly [string, string | number])[]) =>
    `<table>${lines.map(([name, value]) => `<tr><th>${escaped(name)}</th><td>${escaped(String(value))}</td></tr>`).join('')}</table>`
  const rejected = Object.entries(counts.rejected).sort(([, a], [, b]) => b - a)
  const images = pictures.map(
    ([title, type, bytes]) =>
      `<h2>${title}</h2><img alt="${title}" src="data:${type};base64,${Buffer.from(bytes).toString('base64')}">`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Corpus</title>
<style>body{background:#16181c;color:#f2f3f5;font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1290px}
th{text-align:left;padding-right:2em;font-weight:normal;color:#aeb4bf}img{max-width:100%}</style></head>
<body><h1>Corpus</h1>${table(rows)}
<h2>Left out, by reason</h2>${rejected.length > 0 ? table(rejected) : '<p>Nothing.</p>'}
<p>A face, or a pair, is counted once for each reason. Faces: presence, size, yaw, pitch, blur, residual, outside (of the picture);
frames: no_face, unreadable; pairs: motion, and the checks of docs/cli.md.</p>
${images.join('\n')}
</body></html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}
