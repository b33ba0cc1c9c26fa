/**
 * `npm start`: a small Nebari on this machine (a stand-in for Keycloak, a folder of homes), backed up twice by the real commands, with one person who fails into
 * dead-letter and is replayed, one whose account and home are deleted and restored, and a tour of what was written. Deterministic; writes only below its own folder. `-- --users 1000` makes it larger.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { main } from '../../cli/main.ts'
import { formatBytes, formatCount, formatDuration, plural } from '../../cli/quantities.ts'
import { processTerminal } from '../../cli/terminal.ts'
import { TorikiError } from '../../errors.ts'
import { systemClock } from '../../platform/clock.ts'
import { embeddedHost } from '../worker-host.ts'
import { changeDemoHomes, makeDemoHomes } from './homes.ts'
import { startDemoKeycloak } from './keycloak/server.ts'
import type { DemoKeycloak } from './keycloak/server.ts'
import { loseAndRestore } from './lose-and-restore.ts'
import { narrator, tourCommands } from './tour.ts'

/** Marks a folder as the demo's own: nothing else is ever removed. */
const MARKER = '.toriki-demo'
const USERS_MAX = 100_000

const terminal = processTerminal()
const { heading, say, command } = narrator(terminal)

const usage = `npm start [-- --users N] [--folder DIR] [--keep]

  --users N     people in the demo Nebari (default 12, at most ${formatCount(USERS_MAX)})
  --folder DIR  where it lives (default ./toriki-demo; made anew at every start)
  --keep        leave the stand-in for Keycloak running until Ctrl-C, for commands
                that ask it (users, backup, diff … live)
`

process.exitCode = await demo()
// The stand-in's idle connections must not keep a finished demo alive.
setTimeout(() => process.exit(), 1_000).unref()

async function demo(): Promise<number> {
  const options = parseOptions()
  if (options === undefined) return 2
  const interrupt = new AbortController()
  process.on('SIGINT', () => interrupt.abort(new TorikiError('interrupted', { message: 'Stopped. Nothing is lost.' })))
  const { users, folder } = options
  if (!prepare(folder)) return 2
  const startedMs = systemClock.monotonicMs()

  heading('A small Nebari')
  const root = join(folder, 'nebari')
  const homes = await makeDemoHomes({ root, users, seed: 'nebari' })
  const keycloak = await startDemoKeycloak({ users, seed: 'nebari' })
  try {
    const exported = join(folder, 'keycloak-export')
    await keycloak.writeExport(exported)
    const settings = writeSettings(folder, root, exported, keycloak)
    const shown = relative('.', settings)
    say(
      `${plural(users, 'person', 'people')} in Keycloak, ${plural(homes.files, 'file')} (${formatBytes(homes.bytes)}) in their homes and shared directories. Passwords are known to Keycloak as hashes only.`,
    )

    /** One command, as a person would type it. */
    const toriki = async (words: readonly string[]): Promise<number> => {
      command(words)
      return await main({
        words: ['--settings', settings, ...words],
        terminal,
        host: embeddedHost(),
        signal: interrupt.signal,
        version: 'demo',
      })
    }
    const step = async (words: readonly string[], expected: number): Promise<void> => {
      const status = await toriki(words)
      interrupt.signal.throwIfAborted()
      if (status !== expected)
        throw new Error(
          `the demo expected \`toriki ${words.join(' ')}\` to end with ${expected}, and it ended with ${status}`,
        )
    }

    await step(['init'], 0)
    heading('Monday: the first backup')
    await step(['backup'], 0)

    heading('Tuesday: people worked, and Keycloak has trouble with one of them')
    const person = keycloak.userNames[0] ?? 'ann'
    const poisoned = keycloak.userNames[Math.floor(users / 2)] ?? person
    const before = keycloak.userNames
    const changes = [...(await changeDemoHomes({ root, users, seed: 'nebari' })), ...keycloak.changeAFewThings()]
    const stayed = new Set(keycloak.userNames)
    for (const left of before.filter((name) => !stayed.has(name))) rmSync(join(root, 'home', left), { recursive: true })
    keycloak.poison(poisoned)
    for (const change of changes) say(`· ${change}`)
    say(`· Keycloak answers 500 to every question about ${poisoned}`)
    await step(['backup'], 3)
    say(
      `\nEverybody else is saved. The message for ${poisoned} went to dead-letter after its last attempt and is recorded with its cause; the home is saved, the account is named as missing.`,
    )

    heading('The cause is mended: only those who failed run again, in the same run')
    keycloak.mend(poisoned)
    await step(['replay'], 0)

    heading('What changed for one person')
    const ids = await snapshotIds(settings, person)
    await step(['diff', ids.at(-1) ?? '', ids[0] ?? ''], 0)

    // Not the first, who administrates: such rights come back only when that is asked for.
    const unlucky = keycloak.userNames[1] ?? person
    heading(`Wednesday: the account and the home of ${unlucky} are deleted by mistake`)
    await loseAndRestore(keycloak, {
      ...{ person: unlucky, home: join(root, 'home', unlucky), say },
      run: (words) => step(words, 0),
      ask: (words) => askQuietly(settings, words),
    })

    heading('What was written')
    const store = measure(join(folder, 'store'))
    say(
      `${plural(store.files, 'object')} of ${formatBytes(store.bytes)} in ${join(relative('.', folder), 'store')}: encrypted, named by keyed ids, each written once. They open only with ${join(relative('.', folder), 'keyring')}.`,
    )
    say(`All of it took ${formatDuration(systemClock.monotonicMs() - startedMs)}.`)

    heading('Look around')
    terminal.out(`${terminal.style('bold', `export TORIKI_SETTINGS=${shown}`)}\n\n`)
    const run = ids[0]?.replace(/^.*@/, '').replace(/\.\d+$/, '') ?? ''
    for (const [line, shows] of tourCommands({ settings: shown, folder, person, file: homes.exampleFile(person), run }))
      terminal.out(`${line}\n${terminal.style('dim', `    ${shows}`)}\n`)

    if (options.keep) {
      say(`\nThe stand-in for Keycloak answers at ${keycloak.url} until Ctrl-C.`)
      await new Promise<void>((done) => interrupt.signal.addEventListener('abort', () => done(), { once: true }))
    }
    return 0
  } catch (error) {
    if (interrupt.signal.aborted) return 130
    terminal.err(
      `${terminal.style('red', 'The demo did not go as it should')}: ${error instanceof Error ? error.message : 'unknown'}\n`,
    )
    return 1
  } finally {
    await keycloak.stop()
  }
}

function parseOptions(): { readonly users: number; readonly folder: string; readonly keep: boolean } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        users: { type: 'string', default: '12' },
        folder: { type: 'string', default: 'toriki-demo' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    const users = Number(values.users)
    if (values.help) terminal.out(usage)
    else if (!Number.isSafeInteger(users) || users < 4 || users > USERS_MAX)
      terminal.err(`--users must be a whole number from 4 to ${formatCount(USERS_MAX)}.\n`)
    else return { users, folder: resolve(values.folder), keep: values.keep }
  } catch (error) {
    terminal.err(`${error instanceof Error ? error.message : 'bad usage'}\n${usage}`)
  }
  return undefined
}

/** An empty folder of our own; one that is somebody else's is left alone. */
function prepare(folder: string): boolean {
  if (existsSync(folder)) {
    if (!existsSync(join(folder, MARKER)) && readdirSync(folder).length > 0) {
      terminal.err(`${folder} is there and is not the demo's. Name another with --folder.\n`)
      return false
    }
    rmSync(folder, { recursive: true, force: true })
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, MARKER), 'Made by `npm start`, and made anew by the next one.\n')
  return true
}

function writeSettings(folder: string, root: string, exported: string, keycloak: DemoKeycloak): string {
  const file = join(folder, 'toriki.yaml')
  const restoring = 'toriki-restore'
  for (const [file, secret] of [
    ['keycloak-secret', keycloak.secret],
    ['keycloak-restore-secret', keycloak.secretOf(restoring)],
  ] as const)
    writeFileSync(join(folder, file), `${secret}\n`, { mode: 0o600 })
  const settings = {
    deployment: 'demo',
    store: { folder: './store' },
    keys: { keyring: './keyring' },
    queue: { sqlite: './queue' },
    components: {
      keycloak: {
        url: keycloak.url,
        realm: keycloak.realm,
        client: keycloak.client,
        secret: '${file:keycloak-secret}',
        credentials: { export: relative(folder, exported) },
        restore: { client: restoring, secret: '${file:keycloak-restore-secret}' },
      },
      files: { root: relative(folder, root), home: 'home/{user}', group: 'shared/{group}' },
    },
    limits: { attempts: 2, requestsPerSecond: { keycloak: 5000 } },
  }
  writeFileSync(file, stringify(settings))
  return file
}

/** Newest first. */
async function snapshotIds(settings: string, person: string): Promise<readonly string[]> {
  const listed = (await askQuietly(settings, ['snapshots', '--user', person])) as { readonly id: string }[]
  return listed.map(({ id }) => id)
}

/** The one JSON document that a command prints. */
async function askQuietly(settings: string, words: readonly string[]): Promise<unknown> {
  let printed = ''
  const quiet = { ...terminal, out: (text: string) => void (printed += text) }
  await main({
    words: ['--settings', settings, '--json', ...words],
    terminal: quiet,
    host: embeddedHost(),
    signal: new AbortController().signal,
    version: 'demo',
  })
  return JSON.parse(printed)
}

function measure(folder: string): { readonly files: number; readonly bytes: number } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return {
    files: files.length,
    bytes: files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0),
  }
}
