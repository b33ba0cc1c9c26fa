/** `toriki init`: settings, keyring and store for a new deployment; `init keycloak`: what to make in Keycloak. Idempotent: what is there stays. */
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { cancel as cancelled, isCancel, text } from '@clack/prompts'
import { stringify } from 'yaml'
import { TorikiError } from '../../errors.ts'
import { createPlatformKeys } from '../../platform/assemble.ts'
import { createDeployment, openDeployment } from '../../repository/deployment-repository.ts'
import { loadSettings } from '../../load-settings.ts'
import { isKeptInCloud, parseSettings, settingsFile } from '../../settings.ts'
import type { Settings } from '../../settings.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { keycloakSteps } from '../keycloak-steps.ts'
import { withStore } from '../session.ts'
import { settingsFromStore } from '../settings-from-store.ts'
import { wrap } from '../table.ts'

export interface InitOptions {
  readonly deployment?: string
  readonly keycloakUrl?: string
  readonly keycloakRealm: string
  readonly keycloakClient: string
  readonly filesRoot?: string
  readonly home: string
  readonly groupFolder: string
  readonly fromStore?: string
  readonly keyring?: string
  readonly kmsKey?: string
  readonly keyBucket?: string
  readonly region?: string
  readonly endpoint?: string
}

interface Initialised {
  readonly settings: string
  readonly deployment: string
  /** The random id in the store, which policies of the key are written with. */
  readonly id?: string
  readonly created: readonly string[]
}

export async function init(context: CommandContext, options: InitOptions): Promise<void> {
  const file = settingsFile(context.settingsFile)
  if (isKeptInCloud(file))
    throw new TorikiError('usage', {
      message: `The settings are kept in ${file}: nothing is written there from here.`,
      remedy: 'Write a file with `toriki --settings FILE init`, and put its text there.',
    })
  const created: string[] = []
  const { fromStore } = options
  if (fromStore !== undefined) {
    if (existsSync(file))
      throw new TorikiError('usage', {
        message: `${file} is there already.`,
        remedy: 'Name another file with --settings, or move that one away.',
      })
    writeNew(file, await settingsFromStore(file, { ...options, fromStore }))
    created.push(file)
  } else if (!existsSync(file)) {
    const text = await newSettings(context, options)
    // Refused before anything is written: the same sentence as for a file made by hand.
    parseSettings(text, file, 'platform')
    writeNew(file, text)
    created.push(file)
  }
  const settings = await loadSettings({ file, resolve: 'platform' })
  const made = fromStore === undefined ? await makeKeysAndStore(settings) : undefined
  created.push(...(made?.created ?? []))
  const result: Initialised = {
    settings: file,
    deployment: settings.deployment,
    ...(made === undefined ? {} : { id: made.id }),
    created,
  }
  answer(context, result, () => forPeople(context, settings, result))
}

/** Prints how to make the two clients in Keycloak, with the roles each needs and no more. */
export async function initKeycloak(context: CommandContext): Promise<void> {
  const settings = await loadSettings({ file: context.settingsFile, resolve: 'platform' })
  const keycloak = (
    settings.source['components'] as { keycloak?: { url?: string; realm?: string; client?: string } } | undefined
  )?.keycloak
  if (keycloak === undefined)
    throw new TorikiError('settings-invalid', {
      message: `${settings.file} has no components.keycloak.`,
      remedy: 'Add it, or run `toriki init` anew.',
    })
  const steps = keycloakSteps({
    url: keycloak.url ?? '',
    realm: keycloak.realm ?? '',
    client: keycloak.client ?? 'toriki-backup',
  })
  answer(context, steps, () =>
    steps.map(({ step, command }) => `${context.terminal.style('bold', `# ${step}`)}\n${command}\n`).join('\n'),
  )
}

/** Leaves the queues alone: on AWS they are made after the deployment, whose id stands in their functions' policies. */
async function makeKeysAndStore(settings: Settings): Promise<{ readonly id: string; readonly created: string[] }> {
  const created: string[] = []
  if ('keyring' in settings.keys && (await createPlatformKeys(settings)) === 'created')
    created.push(settings.keys.keyring)
  return await withStore(settings, async (platform) => {
    try {
      const { id } = await openDeployment(platform, { name: settings.deployment })
      return { id, created }
    } catch (error) {
      if (!(error instanceof TorikiError) || error.code !== 'deployment-missing') throw error
      const { id } = await createDeployment(platform, { name: settings.deployment, settings: settings.source })
      created.push('folder' in settings.store ? settings.store.folder : settings.store.s3.bucket)
      return { id, created }
    }
  })
}

async function newSettings(context: CommandContext, options: InitOptions): Promise<string> {
  const asks = context.terminal.interactive && process.stdin.isTTY && !context.json
  const ask = async (message: string, given: string | undefined, placeholder: string): Promise<string> => {
    if (given !== undefined || !asks) return given ?? ''
    const typed = await text({ message, placeholder, defaultValue: '' })
    if (isCancel(typed)) {
      cancelled('Nothing was written.')
      throw new TorikiError('interrupted', { message: 'Nothing was written.' })
    }
    return typed.trim()
  }
  const deployment = await ask(
    'A name for this deployment (lower-case letters, digits, hyphens)',
    options.deployment,
    'campus',
  )
  const filesRoot = await ask(
    'Where is the file system of the homes mounted? (empty: no homes)',
    options.filesRoot,
    '/mnt/nebari',
  )
  const keycloakUrl = await ask(
    'The address of Keycloak, with its base path? (empty: no Keycloak)',
    options.keycloakUrl,
    'https://nebari.example.org/auth',
  )
  if (deployment === '' || (filesRoot === '' && keycloakUrl === '')) {
    throw new TorikiError('usage', {
      message: 'What shall be backed up?',
      remedy: 'Give --deployment, and --files-root or --keycloak-url or both; or run `toriki init` on a terminal.',
    })
  }
  const settings = {
    deployment,
    store: { folder: './toriki-data' },
    keys: { keyring: options.keyring ?? './toriki-keyring' },
    queue: { sqlite: './toriki-queue' },
    components: {
      ...(keycloakUrl === ''
        ? {}
        : {
            keycloak: {
              url: keycloakUrl,
              realm: options.keycloakRealm,
              client: options.keycloakClient,
              secret: '${env:KEYCLOAK_SECRET}',
            },
          }),
      ...(filesRoot === ''
        ? {}
        : { files: { root: resolve(filesRoot), home: options.home, group: options.groupFolder } }),
    },
    schedule: { cron: '0 2 * * *', timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  }
  return `# Settings of Toriki; every key is explained in docs/settings.md.\n# Secrets are never written here: refer to them with \${env:NAME} or \${file:PATH}.\n${stringify(settings, { lineWidth: 0 })}`
}

function writeNew(file: string, content: string): void {
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    throw new TorikiError('settings-invalid', {
      message: `${file} cannot be written.`,
      remedy: `Check that ${dirname(file)} is there and yours.`,
      cause,
    })
  }
}

function forPeople(context: CommandContext, settings: Settings, { id, created }: Initialised): string {
  const { terminal } = context
  const lines =
    created.length === 0
      ? ['Everything was there already; nothing was changed.\n']
      : created.map((what) => `made ${what}\n`)
  if ('keyring' in settings.keys && created.includes(settings.keys.keyring)) {
    lines.push(
      '\n',
      terminal.style(
        'yellow',
        wrap(
          `Keep a copy of ${settings.keys.keyring} somewhere else: without it nothing can ever be restored.`,
          terminal.width,
        ),
      ),
    )
  }
  // Whoever writes policies for the key needs it.
  if (id !== undefined && 'kms' in settings.keys) lines.push(`\nThe deployment's id is ${id}\n`)
  lines.push(
    '\n',
    wrap(
      `Next: ${settings.componentNames.includes('keycloak') ? '`toriki init keycloak` shows the client to make there; then ' : ''}\`toriki doctor\`, then \`toriki backup\`.`,
      terminal.width,
    ),
  )
  return lines.join('')
}
