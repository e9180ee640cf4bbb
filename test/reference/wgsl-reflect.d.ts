/**
 * The package's `main` is CommonJS inside a package of type "module", which Node cannot load; its ES module
 * can be, but has no type declarations under its own path.
 */
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect'
}
