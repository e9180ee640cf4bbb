/** The part of the validator's report that tests look at; the package has no types. */
declare module 'gltf-validator' {
  interface Report {
    readonly issues: { readonly messages: readonly { readonly code: string; readonly message: string }[] }
    readonly info: {
      readonly totalVertexCount: number
      readonly hasMorphTargets: boolean
      readonly hasTextures: boolean
      readonly animationCount: number
    }
  }
  const validator: { validateBytes(bytes: Uint8Array): Promise<Report> }
  export default validator
}
