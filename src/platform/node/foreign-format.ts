import { open } from 'node:fs/promises'

/** What a file is that holds no photo we read: for messages. */
export interface ForeignFormat {
  /** Continues "the file is ...". */
  readonly what: string
  /** What to do about it. */
  readonly remedy: string
}

/** What is read. */
export const FORMAT_NAMES = 'JPEG, PNG, WebP, AVIF, TIFF or GIF'

/** As much as the detectors look at. */
const HEAD_BYTES = 8192

const SAVE = 'save it as JPEG or PNG'
const DEVELOP = 'develop it to JPEG or PNG with the camera maker’s or another raw converter'

/** Names of formats whose file name extension says too little. */
const KNOWN: Readonly<Record<string, ForeignFormat>> = {
  jxl: { what: 'JPEG XL', remedy: SAVE },
  jp2: { what: 'JPEG 2000', remedy: SAVE },
  jpx: { what: 'JPEG 2000', remedy: SAVE },
  jpm: { what: 'JPEG 2000', remedy: SAVE },
  j2c: { what: 'JPEG 2000', remedy: SAVE },
  jxr: { what: 'JPEG XR', remedy: SAVE },
  bmp: { what: 'BMP', remedy: SAVE },
  ico: { what: 'an icon (ICO)', remedy: SAVE },
  psd: { what: 'a Photoshop document', remedy: `export it: ${SAVE}` },
  xcf: { what: 'a GIMP document', remedy: `export it: ${SAVE}` },
  dng: { what: 'a camera raw file (DNG)', remedy: DEVELOP },
  cr2: { what: 'a camera raw file (CR2)', remedy: DEVELOP },
  cr3: { what: 'a camera raw file (CR3)', remedy: DEVELOP },
  nef: { what: 'a camera raw file (NEF)', remedy: DEVELOP },
  arw: { what: 'a camera raw file (ARW)', remedy: DEVELOP },
  orf: { what: 'a camera raw file (ORF)', remedy: DEVELOP },
  raf: { what: 'a camera raw file (RAF)', remedy: DEVELOP },
  rw2: { what: 'a camera raw file (RW2)', remedy: DEVELOP },
  pdf: { what: 'PDF, not a photo', remedy: 'export the picture in it as JPEG or PNG' },
}

/** Formats that the library of file types does not know. */
const MAGIC: readonly (readonly [RegExp, ForeignFormat])[] = [
  [/^v\/1/, { what: 'OpenEXR', remedy: SAVE }],
  [/^(SDPX|XPDS)/, { what: 'DPX', remedy: SAVE }],
  [/^#\?(RADIANCE|RGBE)/, { what: 'Radiance HDR', remedy: SAVE }],
  [/^P[1-7fF]\s/, { what: 'PNM (PBM, PGM, PPM or PFM)', remedy: SAVE }],
  [/^qoif/, { what: 'QOI', remedy: SAVE }],
  [/^SIMPLE {2}=/, { what: 'FITS', remedy: SAVE }],
  [
    /^version https:\/\/git-lfs/,
    { what: 'the pointer of a file in Git LFS, not the file', remedy: 'run "git lfs pull" first' },
  ],
  [
    /^\s*(<!--[\s\S]*?-->\s*)*<(!doctype html|html|head|body)\b/i,
    {
      what: 'a web page (HTML), not a picture',
      remedy:
        'download the picture itself; a page is what comes where a log-in is missing or the address is wrong',
    },
  ],
  [/^[\s -~]+$/, { what: 'not an image but text', remedy: `give a ${FORMAT_NAMES} file` }],
]

/**
 * Says what a file is that the decoder does not take: an intact file of another kind is not a damaged one.
 * @returns `photo` for the kinds that are read: what fails there is damage; undefined where nothing tells
 */
export async function foreignFormat(
  input: string | Uint8Array,
): Promise<ForeignFormat | 'photo' | undefined> {
  const head = typeof input === 'string' ? await readHead(input) : input.subarray(0, HEAD_BYTES)
  // Loaded when it is needed: its own imports want a `require`, which bundles of ES modules have not.
  const { fileTypeFromBuffer } = await import('file-type')
  const type = await fileTypeFromBuffer(head)
  if (type !== undefined) {
    const known = KNOWN[type.ext]
    if (known !== undefined) return known
    const name = `${type.ext.toUpperCase()} (${type.mime})`
    if (type.mime.startsWith('video/')) {
      return {
        what: `a video (${name})`,
        remedy: 'use the video command, or save a frame of it as JPEG or PNG',
      }
    }
    if (/^image\/(jpeg|png|apng|webp|avif|tiff|gif|hei[cf](-sequence)?)$/.test(type.mime)) return 'photo'
    return { what: `${name}, not a photo`, remedy: type.mime.startsWith('image/') ? SAVE : 'check the path' }
  }
  if (head.every((byte) => byte === 0)) {
    return { what: 'filled with zeros', remedy: 'copy or download the file again' }
  }
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1')
  // A TIFF whose directory is cut off: the library of file types looks into it.
  if (/^(II\*\0|MM\0\*)/.test(text)) return 'photo'
  return MAGIC.find(([magic]) => magic.test(text))?.[1]
}

/**
 * Whether a file is a picture of one moment, of a kind that is read or not, by what it holds and not by its name. GIF and APNG count as
 * videos.
 * @throws what reading the file throws
 */
export async function isStillPicture(file: string): Promise<boolean> {
  const { fileTypeFromBuffer } = await import('file-type')
  const type = await fileTypeFromBuffer(await readHead(file))
  return type?.mime.startsWith('image/') === true && type.ext !== 'gif' && type.ext !== 'apng'
}

async function readHead(file: string): Promise<Uint8Array> {
  const handle = await open(file)
  try {
    const head = new Uint8Array(HEAD_BYTES)
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0)
    return head.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
