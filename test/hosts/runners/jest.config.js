import { fileURLToPath } from 'node:url'

/** jest's own ES modules (`--experimental-vm-modules`) on the TypeScript of src/, types taken out file by file. */
export default {
  rootDir: fileURLToPath(new URL('../../..', import.meta.url)),
  roots: ['<rootDir>/test/hosts/runners'],
  testMatch: ['**/*.jest.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  transform: { '\\.ts$': fileURLToPath(new URL('./strip-types.cjs', import.meta.url)) },
}
