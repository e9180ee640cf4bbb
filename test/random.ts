/** Test data is drawn as that of the self-test, whose results are made from the case table. */
export { randomArray, seededRandom } from '../src/runtime/seeded-random.js'
