/** How outputs say that they are synthetic, for people and for programs. */

/** Term of the IPTC's vocabulary of digital sources, which C2PA uses too. */
export const SYNTHETIC_SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic'

export const SYNTHETIC_STATEMENT = 'synthetic: a photo moved by the motion of a video, made by deepfaceflow'

/** XMP packet of a picture. */
export function syntheticXmp(): string {
  return (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ' +
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">' +
    `<Iptc4xmpExt:DigitalSourceType>${SYNTHETIC_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>` +
    `<dc:description><rdf:Alt><rdf:li xml:lang="x-default">${SYNTHETIC_STATEMENT}</rdf:li></rdf:Alt></dc:description>` +
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
  )
}

/** What an animation was made of; the JSON beside it. */
export interface AnimationManifest {
  readonly format: 1
  readonly synthetic: true
  readonly statement: string
  readonly digitalSourceType: string
  readonly tool: { readonly name: 'deepfaceflow'; readonly version: string }
  readonly weights: { readonly name: string; readonly hash: string; readonly depthHash: string | null }
  readonly adapter: string
  /** ISO 8601. */
  readonly date: string
  /** SHA-256 of the bytes of each input, hex. */
  readonly inputs: readonly { readonly role: string; readonly name: string; readonly sha256: string }[]
  readonly options: Readonly<Record<string, unknown>>
  /** The driver's frame that motion is relative to, from 0. */
  readonly reference: number
  readonly frames: number
  /** Frames without the driver's face, which repeat the motion before. */
  readonly held: number
  /** False where the driver could not be read to its end. */
  readonly complete: boolean
  /** Largest turn beyond what the photo shows, degrees; null where all of it is shown. */
  readonly beyond: { readonly yaw: number; readonly pitch: number; readonly frames: number } | null
  readonly warnings: readonly string[]
}

/** What `animation.json` says of an animation: what it was made of and what it is. */
export function animationManifest(
  facts: Omit<AnimationManifest, 'format' | 'synthetic' | 'statement' | 'digitalSourceType' | 'date'>,
): AnimationManifest {
  return {
    format: 1,
    synthetic: true,
    statement: SYNTHETIC_STATEMENT,
    digitalSourceType: SYNTHETIC_SOURCE_TYPE,
    date: new Date().toISOString(),
    ...facts,
  }
}
