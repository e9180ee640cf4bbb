import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { COVERED_EYES, coveredEyes } from '../src/animate/covered-eyes.js'
import { COVERED_MOUTH, coveredMouth, mouthLook } from '../src/animate/covered-mouth.js'
import { coversOf } from '../src/animate/covered-parts.js'
import { sideTurn } from '../src/animate/photo-head.js'
import { DeepFaceFlow, FaceError } from '../src/index.js'

/** npm run eval -- covered-parts PHOTO...: how covered the eyes and the mouth of each photo look, the most covered first, and what is warned of. */
export async function evaluateCoveredParts(args: readonly string[]): Promise<void> {
  const command = new Command('eval covered-parts')
    .argument('<photos...>', 'photos of faces; of several in one the largest')
    .option('--looks <file>', 'JSON of what each mouth looks like, for `fit-covers` (training/README.md)')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const { adapter, looks } = command.opts<{ adapter?: string; looks?: string }>()
  const faceFlow = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  const found: Found[] = []
  try {
    for (const photo of command.args) {
      const faces = await faceFlow.detect(photo).catch((error: unknown) => {
        if (error instanceof FaceError && error.code === 'NO_FACE') return []
        throw error
      })
      for (const face of faces.slice(0, 1)) {
        const { image, landmarks468 } = face
        found.push({
          photo,
          eyes: coveredEyes(image, landmarks468),
          mouth: coveredMouth(image, landmarks468),
          look: mouthLook(image, landmarks468).flat(),
          turn: sideTurn(landmarks468),
          warned: coversOf(face).map(({ part }) => part),
        })
      }
    }
  } finally {
    faceFlow.dispose()
  }
  if (looks !== undefined) {
    writeFileSync(looks, JSON.stringify(found.map(({ photo, turn, look }) => ({ photo, turn, look }))))
  }
  const excess = ({ eyes, mouth }: Found) => Math.max(eyes - COVERED_EYES, mouth - COVERED_MOUTH)
  found.sort((a, b) => excess(b) - excess(a))
  console.log(' eyes  mouth  turn  warned of')
  for (const { photo, eyes, mouth, turn, warned } of found) {
    console.log(
      `${eyes.toFixed(2).padStart(5)}  ${mouth.toFixed(2).padStart(5)}  ${turn.toFixed(0).padStart(4)}  ${warned.join(', ').padEnd(11)}  ${photo}`,
    )
  }
  const count = (part: 'eyes' | 'mouth') => found.filter(({ warned }) => warned.includes(part)).length
  console.log(`of ${found.length} faces: eyes of ${count('eyes')}, mouths of ${count('mouth')} warned of`)
}

interface Found {
  readonly photo: string
  readonly eyes: number
  readonly mouth: number
  /** Numbers of the mouth's look. */
  readonly look: readonly number[]
  /** Degrees. */
  readonly turn: number
  readonly warned: readonly string[]
}
