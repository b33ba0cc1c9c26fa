/**
 * Settings: `toriki.yaml` as the contract has it (docs/settings.md). Parsed by a schema, references resolved; the only room that reads the
 * environment. A mistake names file, line, key, what is wrong and what would be right. A secret in clear is refused, never printed.
 */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import type { ZodError } from 'zod'
import { TorikiError } from './errors.ts'
import type { ComponentName } from './resources/component-name.ts'
import type { JsonObject } from './resources/json.ts'
import { cloudReferenceOf, resolveReference } from './settings-references.ts'
import type { CloudReference } from './settings-references.ts'
import { settingsSchema } from './settings-schema.ts'
import type { SettingsDocument } from './settings-schema.ts'

export interface Settings {
  /** The file they came from, absolute; or `aws-ssm:NAME`, `aws-sm:SECRET`. */
  readonly file: string
  readonly deployment: string
  readonly store: { readonly folder: string } | { readonly s3: S3Settings }
  readonly keys: { readonly keyring: string } | { readonly kms: KmsSettings; readonly bucket?: string }
  readonly queue: { readonly sqlite: string } | { readonly sqs: SqsSettings }
  readonly workers: 'here' | 'functions'
  readonly regions?: readonly string[]
  /** Configured components, whether resolved or not. */
  readonly componentNames: readonly ComponentName[]
  /** Empty when only the platform was asked for: then no secret of a source is resolved. */
  readonly components: ComponentSettings
  readonly schedule?: { readonly cron: string; readonly timezone: string }
  /** What `forget` keeps; absent: it is not asked. */
  readonly retention?: RetentionSettings
  readonly alarms: { readonly rpoMs?: number; readonly command?: string; readonly topic?: string }
  readonly limits: { readonly parallel: number; readonly attempts: number; readonly shrink: number }
  /** As written, references unresolved: what the deployment record seals. */
  readonly source: JsonObject
}

export interface RetentionSettings {
  readonly last?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  readonly keepWithinMs?: number
  readonly leftMs?: number
  readonly runsMs?: number
  /** Where days begin: that of the schedule. */
  readonly timezone: string
}

export interface S3Settings {
  readonly bucket: string
  readonly prefix: string
  readonly region?: string
  readonly endpoint?: string
  /** KMS key that the bucket encrypts our objects with; absent: as the bucket's default says. */
  readonly encryptionKey?: string
}
export interface KmsSettings {
  readonly key: string
  readonly region?: string
  readonly endpoint?: string
}
export interface SqsSettings {
  readonly prefix: string
  readonly region?: string
  readonly endpoint?: string
}

export interface ComponentSettings {
  readonly keycloak?: KeycloakSettings
  readonly files?: FilesSettings
  /** Only where a restore was asked for (`resolve: 'restore'`): nobody else asks the hub. */
  readonly jupyterhub?: JupyterhubSettings
}

export interface KeycloakSettings {
  /** With the base path, without a trailing slash. */
  readonly url: string
  readonly realm: string
  readonly login:
    | { readonly client: string; readonly secret: string }
    | { readonly username: string; readonly password: string; readonly adminRealm: string }
  readonly credentials?: { readonly postgres: string } | { readonly export: string }
  /** PEM of a private CA, when one is configured. */
  readonly ca?: string
  readonly requestsPerSecond: number
  /** The account that restores: only where a restore was asked for (`resolve: 'restore'`), never in a process that backs up. */
  readonly restore?: { readonly client: string; readonly secret: string }
}

export interface FilesSettings {
  readonly root: string
  /** `home/{user}`. */
  readonly home?: string
  /** `shared/{group}`. */
  readonly group?: string
  readonly exclude: readonly string[]
  readonly excludeDefaults: boolean
  readonly bytesPerSecond?: number
}

export interface JupyterhubSettings {
  /** Without a trailing slash; `/hub/api` comes behind it. */
  readonly url: string
  readonly token: string
}

/** A source is asked at most this often, unless `limits.requestsPerSecond` says otherwise. */
const REQUESTS_PER_SECOND_DEFAULT = 50

/** Where the settings are looked for, in the contract's order: an absolute path, or `aws-ssm:NAME` or `aws-sm:SECRET` as it stands. */
export function settingsFile(named?: string): string {
  const place = named ?? process.env['TORIKI_SETTINGS'] ?? 'toriki.yaml'
  return isKeptInCloud(place) ? place : resolve(place)
}

/** Is this no path, but the name of a document that Parameter Store (`aws-ssm:NAME`) or Secrets Manager (`aws-sm:SECRET`) keeps? */
export function isKeptInCloud(place: string): boolean {
  return cloudReferenceOf(`\${${place}}`) !== undefined
}

/** What stands for a reference to a secret that the cloud keeps; asked for by `load-settings.ts`, for here nobody is asked. @throws TorikiError `reference-unresolved`. */
export type CloudLookup = (reference: CloudReference, place: string) => string

/**
 * `file` is for messages and for relative paths, which in a document without a file begin at the working directory.
 * @throws TorikiError `settings-invalid`, `region-not-allowed`, `reference-unresolved`.
 */
export function parseSettings(
  text: string,
  file: string,
  extent: 'all' | 'platform' | 'restore' = 'all',
  cloud: CloudLookup = refuseCloud,
): Settings {
  const lines = new LineCounter()
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const syntax = yaml.errors[0]
  if (syntax !== undefined)
    throw invalid(`${file}:${lines.linePos(syntax.pos[0]).line}: this is not YAML: ${firstLine(syntax.message)}`)
  const value: unknown = yaml.toJS({ maxAliasCount: 20 }) ?? {}
  const parsed = settingsSchema.safeParse(value)
  if (!parsed.success) throw invalid(describe(parsed.error, yaml, lines, file))
  const document = parsed.data
  const folder = isKeptInCloud(file) ? process.cwd() : dirname(file)
  const at = (path: string): string => (isAbsolute(path) ? path : join(folder, path))
  const reference = (path: readonly string[], text: string): string => {
    const place = `${file}:${lineOf(yaml, lines, path)}: ${path.join('.')}`
    return resolveReference(text, {
      env: process.env,
      folder,
      place,
      cloud(kept) {
        refuseForeignRegion(kept.region, document.regions, place)
        return cloud(kept, place)
      },
    })
  }
  const settings: Settings = {
    file,
    deployment: document.deployment,
    store: 's3' in document.store ? { s3: withoutUndefined(document.store.s3) } : { folder: at(document.store.folder) },
    keys:
      'kms' in document.keys
        ? {
            kms: withoutUndefined(document.keys.kms),
            ...(document.keys.bucket === undefined ? {} : { bucket: document.keys.bucket }),
          }
        : { keyring: at(document.keys.keyring) },
    queue:
      'sqs' in document.queue ? { sqs: withoutUndefined(document.queue.sqs) } : { sqlite: at(document.queue.sqlite) },
    workers: document.workers,
    ...(document.regions === undefined ? {} : { regions: document.regions }),
    componentNames: [
      ...(document.components.keycloak === undefined ? [] : ['keycloak' as const]),
      ...(document.components.files === undefined ? [] : ['files' as const]),
    ],
    components: extent === 'platform' ? {} : resolveComponents(document, reference, at, extent === 'restore'),
    ...(document.schedule === undefined ? {} : { schedule: document.schedule }),
    ...(document.retention === undefined ? {} : { retention: retentionOf(document) }),
    alarms: withoutUndefined({
      rpoMs: document.alarms.rpo,
      command: document.alarms.command,
      topic: document.alarms.topic,
    }),
    limits: { parallel: document.limits.parallel, attempts: document.limits.attempts, shrink: document.limits.shrink },
    source: value as JsonObject,
  }
  refuseForeignRegions(settings, file)
  if (
    'folder' in settings.store &&
    'keyring' in settings.keys &&
    isInside(settings.store.folder, settings.keys.keyring)
  ) {
    throw invalid(
      `${file}:${lineOf(yaml, lines, ['keys', 'keyring'])}: keys.keyring: lies inside the store it locks; keep it elsewhere`,
    )
  }
  return settings
}

function retentionOf({ retention = {}, schedule }: SettingsDocument): RetentionSettings {
  const { last, daily, weekly, monthly, yearly, keepWithin, left, runs } = retention
  return {
    ...withoutUndefined({ last, daily, weekly, monthly, yearly }),
    ...withoutUndefined({ keepWithinMs: keepWithin, leftMs: left, runsMs: runs }),
    timezone: schedule?.timezone ?? 'UTC',
  }
}

function resolveComponents(
  document: SettingsDocument,
  reference: (path: readonly string[], text: string) => string,
  at: (path: string) => string,
  forRestore: boolean,
): ComponentSettings {
  const { keycloak, files, jupyterhub } = document.components
  const under = ['components', 'keycloak']
  return {
    ...(keycloak === undefined
      ? {}
      : {
          keycloak: {
            url: keycloak.url.replace(/\/+$/, ''),
            realm: keycloak.realm,
            login:
              'client' in keycloak
                ? { client: keycloak.client, secret: reference([...under, 'secret'], keycloak.secret) }
                : {
                    username: keycloak.username,
                    password: reference([...under, 'password'], keycloak.password),
                    adminRealm: keycloak.adminRealm,
                  },
            ...(keycloak.credentials === undefined
              ? {}
              : {
                  credentials:
                    'postgres' in keycloak.credentials
                      ? { postgres: reference([...under, 'credentials', 'postgres'], keycloak.credentials.postgres) }
                      : { export: at(keycloak.credentials.export) },
                }),
            ...(forRestore && keycloak.restore !== undefined
              ? {
                  restore: {
                    client: keycloak.restore.client,
                    secret: reference([...under, 'restore', 'secret'], keycloak.restore.secret),
                  },
                }
              : {}),
            ...(keycloak.ca === undefined ? {} : { ca: readCertificate(at(keycloak.ca)) }),
            requestsPerSecond: document.limits.requestsPerSecond['keycloak'] ?? REQUESTS_PER_SECOND_DEFAULT,
          },
        }),
    ...(files === undefined
      ? {}
      : {
          files: withoutUndefined({
            root: at(files.root),
            home: files.home,
            group: files.group,
            exclude: files.exclude,
            excludeDefaults: files.excludeDefaults,
            bytesPerSecond: document.limits.bytesPerSecond['files'],
          }),
        }),
    ...(forRestore && jupyterhub !== undefined
      ? {
          jupyterhub: {
            url: jupyterhub.url.replace(/\/+$/, ''),
            token: reference(['components', 'jupyterhub', 'token'], jupyterhub.token),
          },
        }
      : {}),
  }
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TorikiError('settings-invalid', {
      message: `The certificate file ${path} (components.keycloak.ca) cannot be read.`,
      cause,
    })
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (!way.startsWith('..') && !isAbsolute(way))
}

function refuseForeignRegions(settings: Settings, file: string): void {
  const named = [
    's3' in settings.store ? settings.store.s3.region : undefined,
    'kms' in settings.keys ? settings.keys.kms.region : undefined,
    'sqs' in settings.queue ? settings.queue.sqs.region : undefined,
    settings.alarms.topic?.split(':')[3],
  ]
  for (const region of named) refuseForeignRegion(region, settings.regions, file)
}

function refuseForeignRegion(region: string | undefined, regions: readonly string[] | undefined, place: string): void {
  if (region === undefined || regions === undefined || regions.includes(region)) return
  throw new TorikiError('region-not-allowed', {
    message: `${place}: region ${region} is not in \`regions\` (${regions.join(', ')}).`,
  })
}

function refuseCloud({ name }: CloudReference, place: string): never {
  throw new TorikiError('reference-unresolved', { message: `${place}: ${name} cannot be asked for from here.` })
}

function describe(error: ZodError, yaml: Document.Parsed, lines: LineCounter, file: string): string {
  const issue = error.issues[0]
  const path = (issue?.path ?? []).map(String)
  // An unknown key is reported on its parent: name the key itself, and its own line.
  const extra = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const full = extra === undefined ? path : [...path, extra]
  const what = extra === undefined ? (issue?.message ?? 'is wrong') : 'there is no such setting'
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : ''
  return `${file}:${lineOf(yaml, lines, full)}: ${full.length === 0 ? 'the settings' : full.join('.')}: ${what}${more}`
}

/** The line of the deepest part of `path` that stands in the file. */
function lineOf(yaml: Document.Parsed, lines: LineCounter, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = yaml.getIn(path.slice(0, length), true)
    const range =
      typeof node === 'object' && node !== null && 'range' in node ? (node.range as readonly number[] | null) : null
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line
  }
  return 1
}

function invalid(message: string): TorikiError {
  return new TorikiError('settings-invalid', { message })
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The same object without members that are `undefined`: what `exactOptionalPropertyTypes` asks for. */
function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}
