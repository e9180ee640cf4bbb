import {
  type FaceFlow,
  type FlowOptions,
  flowStatistics,
  hasPhotos,
  type RegisteredFlowResult,
  type WeightsInfo,
  writeProducts,
} from '../index.js'
import { flowOptions, type PairFlags } from './options.js'

/** Computes one pair and writes its folder. @returns the result and the names of the written files */
export async function runPair(
  faceFlow: FaceFlow,
  a: string,
  b: string,
  folder: string,
  flags: PairFlags,
): Promise<{ result: RegisteredFlowResult; files: string[] }> {
  const options: FlowOptions = flowOptions(flags)
  const result = flags.registered
    ? await faceFlow.flowRegistered(a, b, options)
    : await faceFlow.flow(a, b, options)
  const files = await writeProducts(result, folder, {
    names: { a, b },
    photoSpace: flags.photoSpace ?? false,
    ...(flags.only ? { only: flags.only } : {}),
  })
  return { result, files }
}

/** The few numbers a person wants to see, as aligned lines. */
export function resultTable(result: RegisteredFlowResult): string {
  const statistics = flowStatistics(result)
  const motion = hasPhotos(result) ? result.rigidPhoto : result.rigid
  const { yaw, pitch, roll } = motion.angles
  const total = Object.values(result.timingsMs).reduce((sum, ms) => sum + ms, 0)
  const rows: [string, string][] = [
    ['mean flow', `${statistics.meanLength.toFixed(2)} px (largest ${statistics.maxLength.toFixed(2)} px)`],
    ['mean depth change', `${statistics.meanDepthChange.toFixed(2)} px`],
    ['mean expression', `${statistics.meanExpression.toFixed(2)} px without the head motion`],
    ['head motion', `yaw ${yaw.toFixed(1)}, pitch ${pitch.toFixed(1)}, roll ${roll.toFixed(1)} degrees`],
    [
      'photometric residual',
      `${result.photometric.after.toFixed(1)} grey levels (${result.photometric.before.toFixed(1)} without flow)`,
    ],
  ]
  if (statistics.occludedShare !== null) {
    rows.push(['occluded', `${(100 * statistics.occludedShare).toFixed(1)} % of the face`])
  }
  if (hasPhotos(result)) {
    rows.push([
      'registration',
      `${result.a.registrationResidual.toFixed(2)} px (A), ${result.b.registrationResidual.toFixed(2)} px (B) from the template`,
    ])
  }
  const { weights } = result
  rows.push(
    ['weights', describeWeights(weights, 12)],
    ['adapter', result.adapter],
    ['time', `${total.toFixed(0)} ms`],
  )
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('')
}

/** @param digits of the hash that are shown */
export function describeWeights({ name, hash, epe }: WeightsInfo, digits = hash.length): string {
  const error = epe === null ? 'error not measured' : `measured error ${epe.toFixed(2)} px`
  return `${name} ${hash.slice(0, digits)}, ${error}`
}
