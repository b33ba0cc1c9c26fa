/** Many people through the queue: time, requests per person, objects per person, peak memory; a first run and an unchanged one. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import type { RunMeasure } from './run-once.ts'
import { markdownTable, median } from './table.ts'
import { NODE_FLAGS } from './toriki-command.ts'

const run = promisify(execFile)
const here = (name: string): string => join(import.meta.dirname, name)

/** `runs` times each size, sizes in turn. */
export async function identityBench(sizes: readonly number[], runs: number): Promise<string> {
  const measures = new Map<string, RunMeasure[]>()
  for (let round = 0; round < runs; round++) {
    for (const users of sizes) {
      const [first, unchanged] = await measureOnce(users)
      for (const [name, measure] of [
        [`${users} first`, first],
        [`${users} unchanged`, unchanged],
      ] as const)
        measures.set(name, [...(measures.get(name) ?? []), measure])
    }
  }
  const rows = [...measures].map(([name, list]) => {
    const middle = (pick: (measure: RunMeasure) => number): number => median(list.map(pick))
    const { slices, outcome } = list[0] as RunMeasure
    const per = (pick: (measure: RunMeasure) => number): string => (middle(pick) / slices).toFixed(2)
    return [
      name,
      outcome,
      `${middle((m) => m.seconds).toFixed(1)} s`,
      (slices / middle((m) => m.seconds)).toFixed(0),
      `${middle((m) => m.cpuSeconds).toFixed(1)} s`,
      per((m) => m.create),
      per((m) => m.get),
      per((m) => m.list),
      per((m) => m.keyCalls),
      `${(middle((m) => m.bytesSent) / slices / 1024).toFixed(1)} KiB`,
      `${middle((m) => m.peakMiB).toFixed(0)} MiB`,
    ]
  })
  return markdownTable(
    [
      'people, run',
      'outcome',
      'wall',
      'slices/s',
      'CPU',
      'PUT/slice',
      'GET/slice',
      'LIST/slice',
      'key calls/slice',
      'stored/slice',
      'peak memory',
    ],
    rows,
  )
}

async function measureOnce(users: number): Promise<readonly [RunMeasure, RunMeasure]> {
  const folder = mkdtempSync(join(tmpdir(), 'toriki-bench-'))
  // The demo Nebari runs in a process of its own: its memory is not ours.
  const nebari = spawn(process.execPath, [...NODE_FLAGS, here('demo-nebari.ts'), folder, String(users)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(createInterface({ input: nebari.stdout }), 'line')) as [string]
    const { url, realm, client, secret } = JSON.parse(line) as Record<'url' | 'realm' | 'client' | 'secret', string>
    writeFileSync(join(folder, 'secret'), secret, { mode: 0o600 })
    const settings = join(folder, 'toriki.yaml')
    writeFileSync(
      settings,
      stringify({
        deployment: 'bench',
        components: {
          keycloak: { url, realm, client, secret: '${file:secret}', credentials: { export: './export' } },
          files: { root: './nebari', home: 'home/{user}', group: 'shared/{group}' },
        },
        limits: { requestsPerSecond: { keycloak: 100_000 }, parallel: 8 },
      }),
    )
    await run(process.execPath, [
      ...NODE_FLAGS,
      join(here('.'), '../../lib/embedded/main.ts'),
      '--settings',
      settings,
      'init',
    ])
    const once_ = async (): Promise<RunMeasure> => {
      const { stdout } = await run(process.execPath, [...NODE_FLAGS, here('run-once.ts'), settings], {
        maxBuffer: 16 * 1024 * 1024,
      })
      return JSON.parse(stdout) as RunMeasure
    }
    return [await once_(), await once_()]
  } finally {
    nebari.stdin.end()
    if (nebari.exitCode === null) await once(nebari, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}
