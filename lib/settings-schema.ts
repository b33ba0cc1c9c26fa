/** The schema of `toriki.yaml`: every message says what is wrong and what would be right, and never repeats a value that may be a secret. */
import { Cron } from 'croner'
import * as z from 'zod'
import { ATTEMPTS_DEFAULT, PARALLEL_DEFAULT, SHRINK_DEFAULT } from './limits.ts'
import { isReference } from './settings-references.ts'

const text = (what: string): z.ZodString => z.string(`must be a text: ${what}`).min(1, `must not be empty: ${what}`)
const secretReference = text('a reference such as ${env:NAME}').refine(
  isReference,
  'must be a reference, not the secret itself: write ${env:NAME} or ${file:PATH}',
)
const wholeNumber = (least: number, most: number): z.ZodNumber =>
  z
    .int(`must be a whole number from ${least} to ${most}`)
    .min(least, `must be a whole number from ${least} to ${most}`)
    .max(most, `must be a whole number from ${least} to ${most}`)

const DURATION_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const duration = z
  .string('must be a duration such as 48h or 400d')
  .regex(/^[1-9][0-9]{0,5}[mhd]$/, 'must be a duration such as 48h or 400d')
  .transform((value) => Number(value.slice(0, -1)) * DURATION_MS[value.slice(-1) as keyof typeof DURATION_MS])

const SIZE_BYTES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const
const size = z
  .string('must be a size such as 200MiB')
  .regex(/^[1-9][0-9]{0,8}(KiB|MiB|GiB)$/, 'must be a size such as 200MiB')
  .transform((value) => Number(value.slice(0, -3)) * SIZE_BYTES[value.slice(-3) as keyof typeof SIZE_BYTES])

const share = z
  .string('must be a share such as 20%')
  .regex(/^(100|[1-9]?[0-9])%$/, 'must be a share from 0% to 100%, such as 20%')
  .transform((value) => Number(value.slice(0, -1)) / 100)

const template = (placeholder: string): z.ZodString =>
  text(`a path such as home/{${placeholder}}`).refine(
    (value) =>
      value.split('/').filter((segment) => segment.includes(`{${placeholder}}`)).length === 1 &&
      !value.startsWith('/') &&
      !value.split('/').some((segment) => segment === '..' || segment === '.' || segment === ''),
    `must be a relative path with {${placeholder}} in exactly one segment`,
  )

const url = text('an address such as https://nebari.example.org/auth').refine((value) => {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return (
    (protocol === 'https:' || protocol === 'http:') &&
    username === '' &&
    password === '' &&
    search === '' &&
    hash === ''
  )
}, 'must be an address such as https://nebari.example.org/auth, without user, query or fragment')

const databaseUrl = text('a reference to a PostgreSQL address').refine(
  (value) => isReference(value) || (URL.canParse(value) && new URL(value).password === ''),
  'must be a reference such as ${env:KEYCLOAK_DATABASE_URL}, since the address holds a password',
)

const s3 = z.strictObject({
  bucket: text('the bucket'),
  prefix: z.string().default(''),
  region: text('a region').optional(),
  endpoint: url.optional(),
  encryptionKey: text('a KMS key').optional(),
})
const keycloakCommon = {
  url,
  realm: text('the realm, often nebari'),
  credentials: z
    .union(
      [z.strictObject({ postgres: databaseUrl }), z.strictObject({ export: text('the folder of a kc.sh export') })],
      'must be { postgres: REFERENCE } or { export: FOLDER }',
    )
    .optional(),
  ca: text('a PEM file').optional(),
  restore: z.strictObject({ client: text('a client'), secret: secretReference }).optional(),
}
const keycloak = z.union(
  [
    z.strictObject({ ...keycloakCommon, client: text('the client'), secret: secretReference }),
    z.strictObject({
      ...keycloakCommon,
      username: text('the user'),
      password: secretReference,
      adminRealm: text('the realm of that user').default('master'),
    }),
  ],
  { error: (issue) => unionMessage(issue.input) },
)

const files = z
  .strictObject({
    root: text('the folder that holds the homes'),
    home: template('user').optional(),
    group: template('group').optional(),
    exclude: z.array(text('a gitignore rule')).default([]),
    excludeDefaults: z.boolean('must be true or false').default(true),
  })
  .refine((value) => value.home !== undefined || value.group !== undefined, 'needs `home`, `group` or both')

const jupyterhub = z.strictObject({ url, token: secretReference })

const notYet = (what: string): z.ZodOptional<z.ZodNever> =>
  z.never(`${what} is not backed up by this version: leave it out`).optional()

const cron = text('five fields such as 0 2 * * *').refine((value) => {
  if (value.trim().split(/\s+/).length !== 5) return false
  return attempt(() => new Cron(value, { paused: true }))
}, 'must be a cron expression of five fields such as "0 2 * * *"')
const timezone = text('a time zone such as Europe/Berlin').refine(
  (value) => attempt(() => new Intl.DateTimeFormat('en', { timeZone: value })),
  'must be a time zone such as Europe/Berlin',
)

const count = wholeNumber(0, 100_000)

export const settingsSchema = z
  .strictObject(
    {
      deployment: text('a name for this deployment').regex(
        /^[a-z0-9][a-z0-9-]{0,62}$/,
        'must be lower-case letters, digits and hyphens, such as campus',
      ),
      store: z
        .union(
          [z.strictObject({ folder: text('a folder') }), z.strictObject({ s3 })],
          'must be { folder: PATH } or { s3: { bucket: … } }',
        )
        .default({ folder: './toriki-data' }),
      keys: z
        .union(
          [
            z.strictObject({ keyring: text('a file') }),
            z.strictObject({
              kms: z.strictObject({
                key: text('a key'),
                region: text('a region').optional(),
                endpoint: url.optional(),
              }),
              bucket: text('a bucket').optional(),
            }),
          ],
          'must be { keyring: PATH } or { kms: { key: … } }',
        )
        .default({ keyring: './toriki-keyring' }),
      queue: z
        .union(
          [
            z.strictObject({ sqlite: text('a folder') }),
            z.strictObject({
              sqs: z.strictObject({
                prefix: text('a prefix'),
                region: text('a region').optional(),
                endpoint: url.optional(),
              }),
            }),
          ],
          'must be { sqlite: FOLDER } or { sqs: { prefix: … } }',
        )
        .default({ sqlite: './toriki-queue' }),
      workers: z.enum(['here', 'functions'], 'must be here or functions').default('here'),
      regions: z.array(text('a region')).optional(),
      components: z
        .strictObject(
          {
            keycloak: keycloak.optional(),
            files: files.optional(),
            condaStore: notYet('conda-store'),
            jupyterhub: jupyterhub.optional(),
            nebariConfig: notYet('the Nebari configuration'),
          },
          'must be a map with keycloak, files or both',
        )
        .refine(
          (value) => value.keycloak !== undefined || value.files !== undefined,
          'needs at least one component: keycloak, files or both',
        ),
      schedule: z.strictObject({ cron, timezone: timezone.default('UTC') }).optional(),
      retention: z
        .strictObject({
          last: count,
          daily: count,
          weekly: count,
          monthly: count,
          yearly: count,
          keepWithin: duration,
          left: duration,
          runs: duration,
        })
        .partial()
        .optional(),
      alarms: z
        .strictObject({
          rpo: duration.optional(),
          command: text('a program').optional(),
          topic: text('the ARN of a topic')
            .regex(
              /^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$/,
              'must be the ARN of an SNS topic, such as arn:aws:sns:eu-central-1:111122223333:alarms',
            )
            .optional(),
        })
        .default({}),
      limits: z
        .strictObject({
          parallel: wholeNumber(1, 64).default(PARALLEL_DEFAULT),
          attempts: wholeNumber(1, 100).default(ATTEMPTS_DEFAULT),
          shrink: share.default(SHRINK_DEFAULT),
          requestsPerSecond: z
            .record(z.enum(['keycloak']), z.number('must be a number of requests').positive())
            .or(z.strictObject({}))
            .default({}),
          bytesPerSecond: z
            .record(z.enum(['files']), size)
            .or(z.strictObject({}))
            .default({}),
          window: z
            .string()
            .regex(/^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$/, 'must be two times such as 22:00-06:00')
            .optional(),
        })
        .prefault({}),
    },
    'must be a map; see docs/settings.md',
  )
  .readonly()

export type SettingsDocument = z.infer<typeof settingsSchema>

function unionMessage(input: unknown): string {
  const given = typeof input === 'object' && input !== null ? input : {}
  if (!('url' in given)) return 'needs `url`, the address with its base path'
  if (!('realm' in given)) return 'needs `realm`, often nebari'
  const clear = (['secret', 'password'] as const).find(
    (name) => name in given && !isReference(String((given as Record<string, unknown>)[name])),
  )
  if (clear !== undefined)
    return `\`${clear}\` must be a reference, not the secret itself: write \${env:NAME} or \${file:PATH}`
  if (!('client' in given) && !('username' in given)) return 'needs `client` and `secret`, or `username` and `password`'
  return 'has a wrong, missing or unknown member; it takes url, realm, client and secret (or username, password and adminRealm), credentials, ca, restore'
}

function attempt(action: () => unknown): boolean {
  try {
    action()
    return true
  } catch {
    return false // the caller's own sentence says what would be right
  }
}
