import { zipSync } from 'fflate'

/**
 * NumPy's archive of arrays, compressed, as `numpy.savez_compressed` writes it.
 * @param arrays bytes of npy files by the names that `numpy.load` gives them
 */
export function encodeNpz(arrays: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const files = Object.entries(arrays).map(([name, npy]) => [`${name}.npy`, npy])
  // The first day that zip knows: the same arrays give the same bytes.
  return zipSync(Object.fromEntries(files), { level: 6, mtime: new Date(1980, 0, 1) })
}
