// What the declarations need that compilers do not have by themselves: WebGPU's types, which name types of the DOM.
/// <reference lib="dom" />
/// <reference types="@webgpu/types" />
export * from '../dist/src/index.browser.js'
