/** Where the files of a result come from: the command's server, or files that were dropped or picked. */

/** A base address, or files by their names below the result's folder. */
export type ResultFiles = { readonly base: string } | { readonly files: ReadonlyMap<string, File> }

/** A result cannot be shown; the message says why and what to do. */
export class NotShown extends Error {
  override readonly name = 'NotShown'
}

/** @returns null if there is no such file */
export async function readFile(source: ResultFiles, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if ('files' in source) {
    const file = source.files.get(name)
    return file ? new Uint8Array(await file.arrayBuffer()) : null
  }
  const path = name.split('/').map(encodeURIComponent).join('/')
  let response: Response
  try {
    response = await fetch(new URL(path, source.base))
  } catch (cause) {
    throw new NotShown('The command that shows this folder does not answer any more; start it again.', {
      cause,
    })
  }
  if (response.status === 404) return null
  if (!response.ok) throw new NotShown(`${name}: ${await response.text()}`)
  return new Uint8Array(await response.arrayBuffer())
}

export async function readText(source: ResultFiles, name: string): Promise<string | null> {
  const bytes = await readFile(source, name)
  return bytes && new TextDecoder().decode(bytes)
}
