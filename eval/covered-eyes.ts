import { Command } from 'commander'
import { COVERED_EYES, coveredEyes } from '../src/animate/covered-eyes.js'
import { sideTurn } from '../src/animate/photo-head.js'
import { DeepFaceFlow, FaceError } from '../src/index.js'

/** npm run eval -- covered-eyes PHOTO...: how covered the eyes of each photo look, the most covered first, and how many are warned of. */
export async function evaluateCoveredEyes(args: readonly string[]): Promise<void> {
  const command = new Command('eval covered-eyes')
    .argument('<photos...>', 'photos of faces; of several in one the largest')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const { adapter } = command.opts<{ adapter?: string }>()
  const faceFlow = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  const found: { readonly photo: string; readonly covered: number; readonly turn: number }[] = []
  try {
    for (const photo of command.args) {
      const faces = await faceFlow.detect(photo).catch((error: unknown) => {
        if (error instanceof FaceError && error.code === 'NO_FACE') return []
        throw error
      })
      for (const { image, landmarks468 } of faces.slice(0, 1)) {
        found.push({ photo, covered: coveredEyes(image, landmarks468), turn: sideTurn(landmarks468) })
      }
    }
  } finally {
    faceFlow.dispose()
  }
  found.sort((a, b) => b.covered - a.covered)
  for (const { photo, covered, turn } of found) {
    console.log(`${covered.toFixed(2)}  ${turn.toFixed(0).padStart(3)} degrees  ${photo}`)
  }
  const warned = found.filter(({ covered }) => covered > COVERED_EYES).length
  console.log(`above ${COVERED_EYES}: ${warned} of ${found.length} faces`)
}
