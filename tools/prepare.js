// What npm runs after an install in a clone: compiles it, which takes the development packages.
import { execSync } from 'node:child_process'
import { existsSync } from 'node:fs'

if (existsSync('node_modules/typescript')) {
  execSync('npm run --silent build', { stdio: 'inherit' })
} else if (!existsSync('dist/src/index.js')) {
  console.error(
    'deepfaceflow: this clone is not compiled, and cannot be without the development packages (--omit=dev leaves them out);\n' +
      'run npm install with them, then npm prune --omit=dev, or install the package that npm pack makes of it',
  )
  process.exit(1)
}
