/** How far the reading of a file is. */
export interface DownloadProgress {
  /** Path or URL. */
  readonly file: string
  /** Bytes so far. */
  readonly loaded: number
  /** Bytes in all; undefined where the server does not say. */
  readonly total: number | undefined
  /** True where no network was needed: a file of this machine, or kept in the browser's cache by an earlier visit. */
  readonly local: boolean
}

/** How a file is read. */
export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Called as bytes arrive; once, with all of them, for what needs no network. */
  readonly onDownload?: (progress: DownloadProgress) => void
}

/** Where the package's own weight files are, and how they are read. */
export interface ShippedFiles extends ReadOptions {
  /**
   * The folder that they are in (in a browser a URL; under Node a path or `file:` URL), or a function from a file's name to
   * its address. Default: the `weights` of the installed package.
   */
  readonly weightsUrl?: string | URL | ((file: string) => string | URL)
}
