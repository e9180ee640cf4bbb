/*
 * A stream of JPEG pictures with a time each, in the least of Matroska (RFC 9559) that holds one. ffmpeg takes pictures at a
 * constant rate only, or from files whose names it reads as patterns; a stream through its stdin needs neither.
 */

/** Ticks of a microsecond, in ns. */
const TICK = 1000

/** What comes before the first picture. */
export function streamHead(width: number, height: number): Buffer {
  const header = element(
    0x1a45dfa3,
    element(0x4286, uint(1)),
    element(0x42f7, uint(1)),
    element(0x42f2, uint(4)),
    element(0x42f3, uint(8)),
    element(0x4282, Buffer.from('matroska')),
    element(0x4287, uint(4)),
    element(0x4285, uint(2)),
  )
  const info = element(0x1549a966, element(0x2ad7b1, uint(TICK)))
  const video = element(0xe0, element(0xb0, uint(width)), element(0xba, uint(height)))
  const track = element(
    0xae,
    element(0xd7, uint(1)),
    element(0x73c5, uint(1)),
    element(0x83, uint(1)),
    element(0x9c, uint(0)),
    element(0x86, Buffer.from('V_MJPEG')),
    video,
  )
  // The segment's size is not known.
  const segment = Buffer.from([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  return Buffer.concat([header, segment, info, element(0x1654ae6b, track)])
}

/** One picture. @param time from the start, s, not negative */
export function streamPicture(jpeg: Uint8Array, time: number): Buffer {
  // Track 1, no time beside the cluster's, a key frame.
  const block = Buffer.concat([Buffer.from([0x81, 0, 0, 0x80]), jpeg])
  return element(0x1f43b675, element(0xe7, uint(Math.round(time * 1e6))), element(0xa3, block))
}

function element(id: number, ...content: readonly Uint8Array[]): Buffer {
  const size = content.reduce((sum, part) => sum + part.length, 0)
  const length = Buffer.alloc(8)
  length.writeUIntBE(size, 2, 6)
  length[0] = 0x01
  return Buffer.concat([uint(id), length, ...content])
}

/** Big-endian, without leading zeros. */
function uint(value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(value, 0, 6)
  const first = bytes.findIndex((byte) => byte !== 0)
  return bytes.subarray(first < 0 ? 5 : first)
}
