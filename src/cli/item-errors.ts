import { DeepFaceFlowError } from '../index.js'

/** Errors of one item of a list; all others would meet every later item too and end the command. */
const ITEM_ERRORS: ReadonlySet<string> = new Set(['INVALID_INPUT', 'NO_FACE', 'INVALID_ARGUMENT'])
/** Of OUTPUT_FAILED: something is wrong with this item's folder, not with the disk. Without a code it is what the folder holds. */
const FOLDER_ERRORS: ReadonlySet<unknown> = new Set([
  ...'EEXIST ENOTDIR EISDIR ENAMETOOLONG EACCES EPERM ELOOP ENOTEMPTY'.split(' '),
  undefined,
])

/** Whether an error says something of one pair or video of a list alone, so that the rest can be worked on. */
export function isOfOneItem(error: unknown): error is DeepFaceFlowError {
  if (!(error instanceof DeepFaceFlowError)) return false
  return (
    ITEM_ERRORS.has(error.code) || (error.code === 'OUTPUT_FAILED' && FOLDER_ERRORS.has(error.details.code))
  )
}
