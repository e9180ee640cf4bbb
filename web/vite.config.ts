import { resolve } from 'node:path'
import { defineConfig } from 'vite'

/** Two pages from one source: `viewer`, which the command ships and serves, and `app`, which is the whole. */
export default defineConfig(({ mode }) => {
  const page = mode === 'viewer' ? 'viewer' : 'app'
  return {
    root: resolve(import.meta.dirname, page),
    // Served from any folder of any server.
    base: './',
    // The package's build for browsers, as an installed package gives it.
    resolve: {
      alias: [
        {
          find: /^deepfaceflow\/engine$/,
          replacement: resolve(import.meta.dirname, '../dist/browser/engine.js'),
        },
        { find: /^deepfaceflow$/, replacement: resolve(import.meta.dirname, '../dist/browser/index.js') },
      ],
    },
    build: {
      outDir: resolve(import.meta.dirname, 'dist', page),
      emptyOutDir: true,
      target: 'es2022',
      // three.js is half a megabyte before compression.
      chunkSizeWarningLimit: 900,
      // The page's policy allows no inlined data.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    worker: { format: 'es' },
  }
})
