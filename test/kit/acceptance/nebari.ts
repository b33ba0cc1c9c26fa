/** A small deployment of a test's own: homes, shared directories, settings, keyring, store and queue below one folder; commands run against it in this process. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from '@jest/globals'
import { stringify } from 'yaml'
import { demoUserNames, makeDemoHomes } from '../../../lib/embedded/demo/homes.ts'
import { startDemoKeycloak } from '../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak, DemoKeycloakOptions } from '../../../lib/embedded/demo/keycloak/server.ts'
import { toriki } from '../command-line.ts'
import type { CommandOptions, CommandResult } from '../command-line.ts'
import { temporaryFolder } from '../temporary-folder.ts'

export interface Nebari {
  readonly folder: string
  readonly root: string
  readonly settings: string
  readonly store: string
  readonly queue: string
  readonly users: readonly string[]
  home(user: string): string
  /** One command, in this process. */
  toriki(words: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** `--json` and its document, whatever the exit status. */
  json<T>(...words: readonly string[]): Promise<T>
  /** Writes the settings anew, changed. */
  configure(change: (settings: NebariSettings) => void): void
}

/** As much of `toriki.yaml` as tests change. */
export interface NebariSettings {
  deployment: string
  store: { folder: string }
  keys: { keyring: string }
  queue: { sqlite: string }
  workers?: string
  components: { files?: Record<string, unknown>; keycloak?: Record<string, unknown> }
  schedule?: { cron: string; timezone: string }
  alarms?: { command: string }
  limits: Record<string, unknown>
}

export interface Report {
  readonly run: string
  readonly open: boolean
  readonly outcome: string
  readonly slices: Readonly<
    Record<'total' | 'saved' | 'partial' | 'skipped' | 'failed' | 'suspect' | 'pending', number>
  >
  readonly bytes: { readonly read: number; readonly stored: number }
  readonly objects: { readonly put: number }
  readonly failures: readonly {
    readonly slice: string
    readonly component: string | null
    readonly code: string
    readonly message: string
    readonly remedy: string
    readonly attempts: number
  }[]
  readonly sources?: readonly { readonly component: string; readonly unreachable?: string; readonly suspect?: string }[]
}

/** Saved, partial, skipped, failed and pending must be all there are: nobody is missing from the sum. */
export function sumOfOutcomes({ slices }: Report): number {
  return slices.saved + slices.partial + slices.skipped + slices.failed + slices.pending
}

export interface NebariOptions {
  readonly users: number
  readonly change?: (settings: NebariSettings) => void
  /** Makes the homes; absent: the demo's. */
  readonly homes?: (root: string) => Promise<readonly string[]> | readonly string[]
}

/** A deployment with the stand-in for Keycloak, too. */
export interface NebariWithKeycloak extends Nebari {
  readonly keycloak: DemoKeycloak
  /** The file with the client's secret, which the settings refer to. */
  readonly secretFile: string
}

const started: DemoKeycloak[] = []
afterAll(async () => {
  await Promise.all(started.splice(0).map((keycloak) => keycloak.stop()))
})

/** As `makeNebari`, and every person has an account, hashes included. The stand-in ends with the test file. */
export async function makeNebariWithKeycloak(
  options: NebariOptions & Pick<DemoKeycloakOptions, 'intercept' | 'version'>,
): Promise<NebariWithKeycloak> {
  const { users, intercept, version } = options
  const keycloak = await startDemoKeycloak({
    users,
    seed: 'acceptance',
    ...(intercept === undefined ? {} : { intercept }),
    ...(version === undefined ? {} : { version }),
  })
  started.push(keycloak)
  const exported = join(await temporaryFolder(), 'export')
  await keycloak.writeExport(exported)
  const secret = join(await temporaryFolder(), 'keycloak-secret')
  writeFileSync(secret, `${keycloak.secret}\n`, { mode: 0o600 })
  const nebari = await makeNebari({
    ...options,
    change(settings) {
      settings.components.keycloak = {
        url: keycloak.url,
        realm: keycloak.realm,
        client: keycloak.client,
        secret: `\${file:${secret}}`,
        credentials: { export: exported },
      }
      settings.limits = { ...settings.limits, requestsPerSecond: { keycloak: 5_000 } }
      options.change?.(settings)
    },
  })
  return { ...nebari, keycloak, secretFile: secret }
}

/** Made and initialised. With the files component alone, nothing left out, unless `change` says otherwise. */
export async function makeNebari({ users: count, change, homes }: NebariOptions): Promise<Nebari> {
  const folder = await temporaryFolder()
  const root = join(folder, 'nebari')
  mkdirSync(root)
  let users: readonly string[]
  if (homes === undefined) {
    await makeDemoHomes({ root, users: count, seed: 'acceptance' })
    users = demoUserNames(count)
  } else users = await homes(root)
  const settings = join(folder, 'toriki.yaml')
  const document: NebariSettings = {
    deployment: 'acceptance',
    store: { folder: './store' },
    keys: { keyring: './keyring' },
    queue: { sqlite: './queue' },
    components: { files: { root, home: 'home/{user}', group: 'shared/{group}', excludeDefaults: false } },
    limits: { attempts: 5 },
  }
  const nebari: Nebari = {
    folder,
    root,
    settings,
    store: join(folder, 'store'),
    queue: join(folder, 'queue'),
    users,
    home: (user) => join(root, 'home', user),
    toriki: (words, options) => toriki(settings, words, options),
    json: async <T>(...words: readonly string[]) => (await toriki(settings, ['--json', ...words])).json<T>(),
    configure(more) {
      more(document)
      writeFileSync(settings, stringify(document))
    },
  }
  nebari.configure(change ?? (() => undefined))
  const made = await nebari.toriki(['init'])
  if (made.status !== 0) throw new Error(`init ended with ${made.status}: ${made.err}`)
  return nebari
}
