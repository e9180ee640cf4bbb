/** Text of kernels/self-test.json, put here by the build for browsers; apart, because most visits do without. */
export const SELF_TEST_RESULTS: string = '[]'
