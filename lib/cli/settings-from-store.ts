/** Settings lost, store and keys at hand: what `init --from-store` writes anew. The sealed settings are taken, and the places are those that were named just now. */
import { resolve } from 'node:path'
import { stringify } from 'yaml'
import { TorikiError } from '../errors.ts'
import { readDeploymentSettings } from '../repository/deployment-repository.ts'
import type { JsonObject, JsonValue } from '../resources/json.ts'
import { parseSettings } from '../settings.ts'
import { withStore } from './session.ts'

export interface FromStoreOptions {
  /** A folder, or `s3://BUCKET/PREFIX`. */
  readonly fromStore: string
  readonly deployment?: string
  readonly keyring?: string
  readonly kmsKey?: string
  readonly keyBucket?: string
  readonly region?: string
  readonly endpoint?: string
}

/**
 * The text for `file`, which is taken as it stands there: secrets are references still. Writes nothing.
 * @throws TorikiError `usage`, `settings-invalid`, `region-not-allowed`; what opening the store and its keys throws.
 */
export async function settingsFromStore(file: string, options: FromStoreOptions): Promise<string> {
  const { deployment } = options
  const store = storeOf(options)
  const keys = keysOf(options)
  if (deployment === undefined || keys === undefined)
    throw new TorikiError('usage', {
      message: 'To rebuild the settings, the store, its keys and the name of the deployment are needed.',
      remedy:
        'Give --from-store FOLDER or s3://BUCKET/PREFIX, --keyring FILE or --kms-key KEY (and --key-bucket BUCKET), and --deployment NAME.',
    })
  // Only what the store needs is opened; what is backed up is not asked, but settings must name something.
  const components = { files: { root: '/', home: 'home/{user}' } }
  const bare = parseSettings(stringify({ deployment, store, keys, components }), file, 'platform')
  const source = await withStore(bare, (platform) => readDeploymentSettings(platform, { name: deployment }))
  const found = { ...source, store: known(source['store'], store), keys: known(source['keys'], keys) }
  const text = `# Settings of Toriki, rebuilt from the store.\n${stringify(found, { lineWidth: 0 })}`
  parseSettings(text, file, 'platform')
  return text
}

function storeOf({ fromStore, region, endpoint }: FromStoreOptions): JsonObject {
  if (!/^[a-z0-9]+:\/\//i.test(fromStore)) {
    if (region !== undefined || endpoint !== undefined)
      throw new TorikiError('usage', { message: '--region and --endpoint are of a store that is a bucket.' })
    return { folder: resolve(fromStore) }
  }
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/?#]+)\/?([^?#]*?)\/*$/.exec(fromStore) ?? []
  if (bucket === '')
    throw new TorikiError('usage', {
      message: `--from-store: ${fromStore} names no bucket.`,
      remedy: 'Write s3://BUCKET or s3://BUCKET/PREFIX.',
    })
  return { s3: { bucket, prefix, ...given({ region, endpoint }) } }
}

function keysOf({ keyring, kmsKey, keyBucket, region }: FromStoreOptions): JsonObject | undefined {
  if (keyring !== undefined && kmsKey === undefined && keyBucket === undefined) return { keyring: resolve(keyring) }
  if (keyring !== undefined || kmsKey === undefined) return undefined
  return { kms: { key: kmsKey, ...given({ region }) }, ...given({ bucket: keyBucket }) }
}

/** What was written of the very place that is named now goes on to hold: its region, its endpoint, the key that it encrypts with. A copy elsewhere has its own. */
function known(written: JsonValue | undefined, named: JsonObject): JsonValue {
  if (!isMap(written)) return named
  const [before, now] = [written['s3'] ?? written['kms'], named['s3'] ?? named['kms']]
  if (!isMap(before) || !isMap(now)) return named
  if (before['bucket'] !== now['bucket'] || before['key'] !== now['key']) return named
  const merged = { ...before, ...now }
  return 's3' in named ? { s3: merged } : { ...named, kms: merged }
}

function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function given(members: Readonly<Record<string, string | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
}
