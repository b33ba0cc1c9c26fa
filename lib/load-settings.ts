/**
 * The settings, from where they are kept: a file, or a document in Parameter Store or Secrets Manager. Secrets that the cloud keeps are asked for only when the
 * settings refer to them, all at once, and once per process.
 */
import { readFileSync } from 'node:fs'
import { TorikiError, toTorikiError } from './errors.ts'
import { readKeptText } from './platform/kept-text.ts'
import type { KeptText } from './platform/kept-text.ts'
import { environment } from './settings-environment.ts'
import { isKeptInCloud, parseSettings, settingsFile } from './settings.ts'
import type { Settings } from './settings.ts'
import { cloudReferenceOf, meantBy } from './settings-references.ts'
import type { CloudReference } from './settings-references.ts'

export interface LoadOptions {
  /** `--settings FILE`; else `TORIKI_SETTINGS`; else `toriki.yaml` in the working directory. Also `aws-ssm:NAME` and `aws-sm:SECRET`. */
  readonly file?: string | undefined
  /** `platform` leaves the components' secrets alone: enough to look at what is stored. `restore` resolves what a restore writes with beside them. */
  readonly resolve?: 'all' | 'platform' | 'restore'
  /** Asks the cloud. Given by tests; in operation that of this process. */
  readonly read?: (kept: KeptText) => Promise<string>
}

/** @throws TorikiError `settings-missing`, `settings-invalid`, `region-not-allowed`, `reference-unresolved`. */
export async function loadSettings(options: LoadOptions = {}): Promise<Settings> {
  const { resolve = 'all', read = readKeptText } = options
  const file = settingsFile(options.file)
  const text = isKeptInCloud(file)
    ? await readDocument(file, read)
    : readFile(file, options.file !== undefined || environment('TORIKI_SETTINGS') !== undefined)
  const wanted = new Map<string, { readonly reference: CloudReference; readonly place: string }>()
  const settings = parseSettings(text, file, resolve, (reference, place) => {
    wanted.set(nameOf(reference), { reference, place })
    return ''
  })
  if (wanted.size === 0) return settings
  const found = new Map<string, string>()
  await Promise.all(
    [...wanted].map(async ([name, { reference, place }]) => {
      try {
        found.set(name, await read(reference))
      } catch (error) {
        const { code, message, remedy, cause } = toTorikiError(error)
        throw new TorikiError(code, { message: `${place}: ${message}`, remedy, cause })
      }
    }),
  )
  return parseSettings(text, file, resolve, (reference, place) =>
    meantBy(reference, found.get(nameOf(reference)) ?? '', place),
  )
}

function readFile(file: string, isNamed: boolean): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new TorikiError('settings-missing', {
      message: isNamed ? `The settings file ${file} cannot be read.` : 'There is no toriki.yaml here.',
      cause,
    })
  }
}

async function readDocument(place: string, read: (kept: KeptText) => Promise<string>): Promise<string> {
  const reference = cloudReferenceOf(`\${${place}}`) as CloudReference
  try {
    return meantBy(reference, await read(reference), place)
  } catch (error) {
    const { message, remedy } = toTorikiError(error)
    throw new TorikiError('settings-missing', {
      message: `The settings ${place} cannot be read: ${message}`,
      remedy,
      cause: error,
    })
  }
}

/** Two members of one secret are one question. */
function nameOf({ service, name }: CloudReference): string {
  return `${service}:${name}`
}
