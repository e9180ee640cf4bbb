// Opens the embedded adapter and prints what it computed, where the driver was unpacked, and whether the
// environment is as it was.
import { embeddedDriver } from '../../../src/platform/node/embedded.js'
import { openTestDevice, runScale } from '../support.js'

const environment = JSON.stringify(process.env)
const device = await openTestDevice({ adapter: 'embedded' })
const values = await runScale(device, 4, 2)
const { manifest } = await embeddedDriver()
const untouched = JSON.stringify(process.env) === environment
console.log(JSON.stringify({ selection: device.selection, values: [...values], manifest, untouched }))
device.dispose()
