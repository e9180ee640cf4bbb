/**
 * Where a corpus lies that has no folder: whole objects by name. An object appears at once with all its bytes or not at all, and the one that
 * is put last under a name stays.
 */
export interface ObjectStore {
  /** As it was named, without credentials: for messages. */
  readonly shown: string
  /**
   * Puts bytes, text or a file.
   * @throws FaceError EXTERNAL_TOOL where the store refuses or does not answer; INVALID_ARGUMENT for more than an object takes
   */
  put(name: string, content: Uint8Array | string | { readonly file: string }): Promise<void>
  /** The bytes of an object; null where there is none. @throws FaceError EXTERNAL_TOOL */
  get(name: string): Promise<Uint8Array | null>
  /**
   * Writes an object to a file, which appears at once.
   * @returns false where there is none
   * @throws FaceError EXTERNAL_TOOL, OUTPUT_FAILED
   */
  download(name: string, file: string): Promise<boolean>
  /** An object that is not there is no error. @throws FaceError EXTERNAL_TOOL */
  remove(name: string): Promise<void>
}
