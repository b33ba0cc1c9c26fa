/**
 * A process as a function's host keeps it warm: takes one invocation of `backup-slice` a line, answers a line. Of the people named in its words one is read into an
 * endless list, one for ever: the first ends the process when its memory is full, the second when its host ends it.
 * `node main.ts SETTINGS USER-OUT-OF-MEMORY USER-OUT-OF-TIME`
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { handle } from '../../../functions/backup-slice.ts'
import { assembleService } from '../../../lib/assemble-service.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import { silentLog } from '../../../lib/log.ts'
import { crashingComponent } from '../crashing-component.ts'
import { TurnedClock } from '../turned-clock.ts'
import { STUCK } from './function-process.ts'
import type { InvocationLine } from './function-process.ts'

const [file = '', outOfMemory, outOfTime] = process.argv.slice(2)
const clock = new TurnedClock()
const service = await assembleService(await loadSettings({ file }), { log: silentLog, clock })
const components = service.components.map((component) =>
  crashingComponent(component, {
    outOfMemory,
    outOfTime,
    // Its host need not wait until it loses patience.
    onStuck: () => void writeSync(process.stdout.fd, `${STUCK}\n`),
  }),
)

for await (const line of createInterface({ input: process.stdin })) {
  const { event, now, limitMs } = JSON.parse(line) as InvocationLine
  await clock.turn(Date.parse(now) - clock.now().getTime())
  const begunMs = clock.monotonicMs()
  const answer = await handle({ ...service, components }, event, {
    awsRequestId: 'function-process',
    getRemainingTimeInMillis: () => limitMs - (clock.monotonicMs() - begunMs),
  })
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
process.exit() // connections that are kept would hold it
