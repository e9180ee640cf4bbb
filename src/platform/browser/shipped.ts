/**
 * What the build for browsers (tools/build-browser.js) puts in this module's place: texts of kernels/, and what there is in
 * weights/. Empty until then.
 */

/** Version of the package. */
export const VERSION: string = '0.0.0'

/** Text by file name relative to kernels/. */
export const KERNELS: Readonly<Record<string, string>> = {}

export interface ShippedFile {
  readonly bytes: number
  /** Of all bytes, lower-case hexadecimal. */
  readonly sha256: string
  /** Where it lies beside this code. Thrown by where the code has no address. */
  readonly url: () => URL
}

/** By file name. */
export const WEIGHTS: Readonly<Record<string, ShippedFile>> = {}
