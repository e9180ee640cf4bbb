import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { applySimilarityToPoints, DeepFaceFlow, encodeJpeg, type FaceFrame } from '../src/index.js'
import type { RealSet } from './real-set.js'

/**
 * Writes the real frames of test/fixtures/eval/real from frames of a video: registered by the package, with the landmarks
 * of its attention network, which none of the compared methods uses. The README there has the command.
 */
const program = new Command('make-real-frames')
  .argument('<folder>', 'frames named <sequence>-<number>.png')
  .requiredOption('--out <folder>')
  .option('--also <files...>', 'registered pairs <stem>-1.png, <stem>-2.png beside them: their stems', [])
  .option('--adapter <name>')
  .parse()
const [folder = ''] = program.args
const { out, also, adapter } = program.opts<{ out: string; also: string[]; adapter?: string }>()
const JPEG_QUALITY = 95

const dff = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
const landmarks: Record<string, number[]> = {}
const sequences = new Map<string, string[]>()
const inTemplate = ({ landmarks68, toTemplate }: FaceFrame) =>
  [...applySimilarityToPoints(toTemplate, landmarks68, 2)].map((v) => Math.round(v * 100) / 100)
const largest = async (photo: string) => (await dff.detect(photo))[0] as FaceFrame
try {
  await mkdir(out, { recursive: true })
  const files = (await readdir(folder)).filter((name) => /^.+-\d+\.png$/.test(name)).sort()
  for (const file of files) {
    const sequence = file.replace(/-\d+\.png$/, '')
    const name = file.replace(/\.png$/, '.jpg')
    const face = await largest(join(folder, file))
    await writeFile(join(out, name), await encodeJpeg(face.registered, JPEG_QUALITY))
    landmarks[name] = inTemplate(face)
    sequences.set(sequence, [...(sequences.get(sequence) ?? []), name])
  }
  const pairs: [string, string][] = also.map((stem) => [`${stem}-1.png`, `${stem}-2.png`])
  for (const name of pairs.flat()) {
    // A registered frame is a photo whose template px are its own.
    const { landmarks68 } = await largest(join(out, name))
    landmarks[name] = [...landmarks68].map((v) => Math.round(v * 100) / 100)
  }
  const set: RealSet = {
    sequences: [...sequences].map(([name, frames]) => ({ name, frames })),
    pairs,
    landmarks,
  }
  await writeFile(join(out, 'frames.json'), `${JSON.stringify(set)}\n`)
} finally {
  dff.dispose()
}
