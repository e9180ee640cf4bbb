import { messageOf } from '../../realms.js'

/** Patterns of what loaders say, with the remedy; the first that fits is given. */
const REMEDIES: readonly (readonly [RegExp, (name: string) => string])[] = [
  [
    /GLIBC(XX)?_[\d.]+'? not found|version `?(GLIBC|CXXABI)/,
    (name) =>
      `the C library of this system is older than ${name} needs; take a newer system (Debian 12, Ubuntu 22.04)`,
  ],
  [
    /ld-linux|ld-musl|Error relocating|symbol not found|libc\.so\.6: (cannot|No such)|fcntl64/i,
    (name) =>
      `${name} is built for glibc, which this system (Alpine?) lacks; take one with glibc (node:22-slim)`,
  ],
  [
    /invalid ELF header|wrong ELF class|file too short|wrong architecture|not a valid Win32|slice is not valid/i,
    () => 'node_modules is damaged or comes from another platform; remove it and run npm install here',
  ],
  [
    /lib[\w+.-]+\.so[.\d]*: cannot open shared object|Error loading shared library/,
    () => 'install the library that is named',
  ],
  [
    /Cannot find (module|package)|Could not load the "sharp" module|MODULE_NOT_FOUND/,
    (name) => `run npm install --include=optional ${name} on this platform`,
  ],
]

/**
 * Why a package with native code does not load and what to do, on one line: what loaders say is long, in several lines, and
 * tells of paths rather than of remedies.
 *
 * @param supported platforms that the package has a binary for, where it says nothing itself
 */
export function describeLoadFailure(name: string, cause: unknown, supported?: readonly string[]): string {
  const platform = `${process.platform}-${process.arch}`
  const lines = messageOf(cause)
    .replace(/\n\s*(Possible solutions|Require stack):[\s\S]*/, '')
    .split('\n')
  const reason = lines
    .map((line) => line.trim())
    .filter(Boolean)
    .join(': ')
  const title = `the npm package ${name} does not load on ${platform} (${reason})`
  if (supported && !supported.includes(platform)) {
    return `${title}; there is no binary for this platform, only for ${supported.join(', ')}`
  }
  const remedy = REMEDIES.find(([pattern]) => pattern.test(reason))?.[1](name)
  return `${title}; ${remedy ?? 'remove node_modules and run npm install again'}`
}
