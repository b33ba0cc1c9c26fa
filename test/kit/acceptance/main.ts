/**
 * The program `toriki` with a short lease, for processes that are killed: what a killed one had in work comes back after the lease, which is a minute in
 * the real program and would make a test sleep. Says `working` on stderr when its workers begin. Everything else is the real one, unless OUT_OF_MEMORY names
 * somebody whose reading fills the memory. `node main.ts LEASE_MS WORD…`
 */
import { main } from '../../../lib/cli/main.ts'
import { processTerminal } from '../../../lib/cli/terminal.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import { crashingComponent } from '../crashing-component.ts'

const [leaseMs, ...words] = process.argv.slice(2)
const { OUT_OF_MEMORY: outOfMemory } = process.env
const host = embeddedHost({ leaseMs: Number(leaseMs) })
const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => interrupt.abort(new TorikiError('interrupted', { message: 'Stopped. Nothing is lost.' })))

process.exitCode = await main({
  words,
  terminal: processTerminal(),
  host: {
    ...host,
    startWorkers(service, only) {
      process.stderr.write('working\n')
      const components = service.components.map((component) =>
        outOfMemory === undefined ? component : crashingComponent(component, { outOfMemory }),
      )
      return host.startWorkers({ ...service, components }, only)
    },
  },
  signal: interrupt.signal,
  version: 'test',
})
setTimeout(() => process.exit(), 2_000).unref()
