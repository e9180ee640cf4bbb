// Opens a device, works on it, idles for a second, ends in the way asked for. Prints one JSON line.
import { openTestDevice, runScale } from '../support.js'

const ending = process.argv[2]
const device = await openTestDevice()
await runScale(device, 100, 2)

const before = process.cpuUsage()
await new Promise((resolve) => setTimeout(resolve, 1000))
const idle = process.cpuUsage(before)
console.log(JSON.stringify({ idleMs: (idle.user + idle.system) / 1000 }))

if (ending === 'dispose') device.dispose()
if (ending === 'exit') process.exit(7)
if (ending === 'throw') throw new Error('the program fails')
