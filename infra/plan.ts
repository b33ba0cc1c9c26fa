/**
 * What is to stand on AWS, decided from `toriki.yaml` and `toriki-aws.yaml` before a line of a template is written. Asks nobody: no network, no credentials, no secret is
 * resolved. Settings that are not for functions on AWS are refused here, each with a sentence.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize, relative } from 'node:path'
import { parse } from 'yaml'
import { componentsInCluster } from '../lib/components/needs-cluster.ts'
import { TorikiError } from '../lib/errors.ts'
import { isReference } from '../lib/settings-references.ts'
import { parseSettings, settingsFile } from '../lib/settings.ts'
import type { KmsSettings, S3Settings, Settings } from '../lib/settings.ts'
import { awsSettingsSchema } from './aws-settings-schema.ts'
import type { AwsSettings } from './aws-settings-schema.ts'

export const AWS_SETTINGS_NAME = 'toriki-aws.yaml'
/** Where a function's code lies. */
const TASK_FOLDER = '/var/task'
/** Lambda's bound on a function's name, and IAM's on a role's, less the longest that we put around the deployment's: `toriki-…-restore-slice`. */
const DEPLOYMENT_CHARACTERS_MAX = 64 - 'toriki--restore-slice'.length

export interface Plan {
  readonly deployment: string
  readonly store: S3Settings
  readonly kms: KmsSettings
  /** Of `keys/` and `erased/`. */
  readonly keyBucket: string
  readonly queuePrefix: string
  readonly region: string
  readonly attempts: number
  readonly schedule?: { readonly cron: string; readonly timezone: string }
  readonly topic?: string
  /** Components that functions cannot reach: `toriki work` in the cluster takes their messages. */
  readonly clusterComponents: readonly string[]
  /** Secrets and parameters that functions read, without those of restore; and those that only restore reads. */
  readonly secrets: readonly string[]
  readonly restoreSecrets: readonly string[]
  /** Functions reach all that is to be restored, and have its account: they take the messages of restores. */
  readonly canRestore: boolean
  /** The mount that `components.files.root` lies in. */
  readonly mount?: string
  readonly aws: AwsSettings
  /** Files that go beside the bundles, by their path there. */
  readonly packaged: Readonly<Record<string, string>>
  /** What functions are told in TORIKI_SETTINGS. */
  readonly settingsPlace: string
}

/** @throws TorikiError `settings-missing`, `settings-invalid`, `region-not-allowed`. */
export function loadPlan(named?: string): Plan {
  const file = settingsFile(named)
  if (!existsSync(file))
    throw new TorikiError('settings-missing', {
      message: `There is no ${file}: the functions are made from the settings.`,
      remedy: 'Write toriki.yaml here, or name another in TORIKI_SETTINGS; infra/examples/toriki.yaml is one for AWS.',
    })
  const beside = join(dirname(file), AWS_SETTINGS_NAME)
  if (!existsSync(beside))
    throw new TorikiError('settings-missing', {
      message: `There is no ${beside}, which says where on AWS the functions run.`,
      remedy: `Write it beside ${file}; infra/examples/${AWS_SETTINGS_NAME} is one, infra/README.md explains it.`,
    })
  const settings = parseSettings(readFileSync(file, 'utf8'), file, 'platform')
  return planOf(settings, parseAwsSettings(readFileSync(beside, 'utf8'), beside))
}

/** @throws TorikiError `settings-invalid`. */
export function parseAwsSettings(text: string, file: string): AwsSettings {
  let value: unknown
  try {
    value = parse(text) ?? {}
  } catch (cause) {
    throw invalid(`${file}: this is not YAML.`, cause)
  }
  const parsed = awsSettingsSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const extra = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const path = [...(issue?.path ?? []).map(String), ...extra].join('.')
  throw invalid(
    `${file}: ${path === '' ? 'the settings' : path}: ${extra.length > 0 ? 'there is no such setting' : issue?.message}.`,
    parsed.error,
  )
}

/** @throws TorikiError `settings-invalid` for settings that functions on AWS cannot work with. */
export function planOf(settings: Settings, aws: AwsSettings): Plan {
  const { file, store, keys, queue, deployment } = settings
  const notForAws = (key: string, remedy: string): TorikiError =>
    new TorikiError('settings-invalid', { message: `${file} is not for AWS: ${key}.`, remedy })
  if (!('s3' in store)) throw notForAws('`store` is a folder of one machine', 'Write `store: { s3: { bucket: … } }`.')
  if (!('kms' in keys)) throw notForAws('`keys` is a keyring of one machine', 'Write `keys: { kms: { key: … } }`.')
  if (!('sqs' in queue)) throw notForAws('`queue` is a file of one machine', 'Write `queue: { sqs: { prefix: … } }`.')
  for (const [key, { endpoint }] of [
    ['store.s3', store.s3],
    ['keys.kms', keys.kms],
    ['queue.sqs', queue.sqs],
  ] as const)
    if (endpoint !== undefined)
      throw notForAws(`\`${key}.endpoint\` is another server`, 'Leave it out: functions use the services beside them.')
  if (settings.workers !== 'functions')
    throw notForAws('`workers` says that the work is done where it is asked for', 'Write `workers: functions`.')
  if (deployment.length > DEPLOYMENT_CHARACTERS_MAX)
    throw invalid(
      `${file}: deployment: at most ${DEPLOYMENT_CHARACTERS_MAX} characters on AWS, where roles are named after it.`,
    )
  const region = aws.region ?? queue.sqs.region ?? store.s3.region
  if (region === undefined)
    throw invalid(`${file}: nobody says in which region the functions are; write \`region\` in ${AWS_SETTINGS_NAME}.`)
  if (settings.regions !== undefined && !settings.regions.includes(region))
    throw new TorikiError('region-not-allowed', {
      message: `${AWS_SETTINGS_NAME}: region ${region} is not in \`regions\` (${settings.regions.join(', ')}).`,
    })
  if (queue.sqs.region !== undefined && queue.sqs.region !== region)
    throw invalid(`${file}: queue.sqs.region: the queues are made beside the functions, in ${region}.`)
  if (!/^[A-Za-z0-9_-]{1,62}$/.test(queue.sqs.prefix))
    throw invalid(`${file}: queue.sqs.prefix: must be at most 62 letters, digits, hyphens and underscores.`)
  const root = filesRootOf(settings)
  const mount = root === undefined ? undefined : mountOf(root, file)
  if (mount !== undefined && aws.fileSystem === undefined)
    throw invalid(`${AWS_SETTINGS_NAME}: fileSystem: needs \`id\`, since ${file} has components.files.`)
  if (mount !== undefined && aws.network === undefined)
    throw invalid(`${AWS_SETTINGS_NAME}: network: needed, since a file system is reached only inside its VPC.`)
  const references = referencesIn(settings.source)
  // The hub is asked before a restore, and by nothing else.
  const ofRestore = ({ path }: Reference): boolean => path.includes('restore') || path.includes('jupyterhub')
  for (const { path, text } of references.filter((one) => !ofRestore(one)))
    if (!isForFunctions({ path, text }))
      throw invalid(
        `${file}: ${path.join('.')}: a function has no ${text}; keep it in Secrets Manager or Parameter Store and write \${aws-sm:SECRET#KEY} or \${aws-ssm:NAME}.`,
      )
  const inCluster = componentsInCluster(settings).map(({ component }) => component)
  const keycloak = memberAt(settings.source, ['components', 'keycloak'])
  const fromPackage = aws.settingsFrom === 'package'
  return {
    deployment,
    store: { ...store.s3, prefix: store.s3.prefix.replaceAll(/^\/+|\/+$/g, '') },
    kms: keys.kms,
    keyBucket: keys.bucket ?? store.s3.bucket,
    queuePrefix: queue.sqs.prefix,
    region,
    attempts: settings.limits.attempts,
    ...(settings.schedule === undefined ? {} : { schedule: settings.schedule }),
    ...(settings.alarms.topic === undefined ? {} : { topic: settings.alarms.topic }),
    clusterComponents: inCluster,
    secrets: references.filter((one) => !ofRestore(one)).map(({ text }) => text.slice(2, -1)),
    restoreSecrets: references
      .filter(isForFunctions)
      .filter(ofRestore)
      .map(({ text }) => text.slice(2, -1)),
    canRestore:
      inCluster.length === 0 &&
      references.filter(ofRestore).every(isForFunctions) &&
      (keycloak === undefined || memberAt(keycloak, ['restore']) !== undefined),
    ...(mount === undefined ? {} : { mount }),
    aws,
    packaged: fromPackage ? packagedFiles(settings) : {},
    settingsPlace: fromPackage ? `${TASK_FOLDER}/toriki.yaml` : aws.settingsFrom,
  }
}

interface Reference {
  readonly path: readonly string[]
  readonly text: string
}

/** Not a file or a variable of one machine. What restoring needs may be one: then restores are for people and workers who have it. */
function isForFunctions({ text }: Reference): boolean {
  return !/^\$\{(env|file):/.test(text)
}

function referencesIn(value: unknown, path: readonly string[] = []): Reference[] {
  if (typeof value === 'string') return isReference(value) ? [{ path, text: value }] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => referencesIn(member, [...path, key]))
}

/** The settings themselves, and the certificate that they name; nothing else is read from a file by a function. */
function packagedFiles(settings: Settings): Record<string, string> {
  const files: Record<string, string> = { 'toriki.yaml': settings.file }
  const ca = memberAt(settings.source, ['components', 'keycloak', 'ca'])
  if (typeof ca === 'string') {
    const inside = normalize(ca)
    if (isAbsolute(ca) || inside.startsWith('..'))
      throw invalid(`${settings.file}: components.keycloak.ca: must lie beside the settings, to be packaged with them.`)
    files[inside] = join(dirname(settings.file), inside)
  }
  return files
}

function filesRootOf(settings: Settings): string | undefined {
  const root = memberAt(settings.source, ['components', 'files', 'root'])
  return typeof root === 'string' ? root : undefined
}

/** A function mounts only `/mnt/NAME`; the homes may lie deeper. */
function mountOf(root: string, file: string): string {
  const mount = /^\/mnt\/[a-zA-Z0-9._-]+(?=\/|$)/.exec(normalize(root))?.[0]
  if (mount === undefined || relative(mount, root).startsWith('..'))
    throw invalid(`${file}: components.files.root: must lie in /mnt/NAME, the only place where a function mounts.`)
  return mount
}

function memberAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    value,
  )
}

function invalid(message: string, cause?: unknown): TorikiError {
  return new TorikiError('settings-invalid', { message, ...(cause === undefined ? {} : { cause }) })
}
