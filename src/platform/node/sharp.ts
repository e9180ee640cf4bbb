import type sharp from 'sharp'
import { FaceError } from '../../errors.js'
import { describeLoadFailure } from './native-package.js'

let loading: Promise<typeof sharp> | undefined

/**
 * The decoder of pictures, loaded when the first is needed: the engine works without it, and what stands in the way of its
 * native code is told where it is missed.
 *
 * @throws FaceError MISSING_DEPENDENCY
 */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      loading = undefined
      throw new FaceError(
        'MISSING_DEPENDENCY',
        describeLoadFailure('sharp', cause),
        { package: 'sharp' },
        { cause },
      )
    },
  )
  return loading
}
