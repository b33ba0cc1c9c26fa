/** Holds a restored home against what the golden repository's manifest says of it. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesComponent } from '../../lib/components/files/component.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import { goldenFolder } from './golden-repository.ts'
import { readSlice } from './homes/read-files.ts'

/** Nobody makes them: sockets and device nodes are recorded; of what could not be read nothing is known. */
const NOT_MADE = new Set(['kinds/socket', 'kinds/null'])

type Entries = Readonly<Record<string, JsonObject>>

/** Of the newest snapshot of ann: the component's resources by written key. */
export function goldenResources(component: string): Entries {
  const manifest = JSON.parse(readFileSync(join(goldenFolder, 'manifest.json'), 'utf8')) as Record<
    string,
    Record<string, Entries>
  >
  const [found] = Object.entries(manifest['user/ann 1'] ?? {}).filter(([name]) => name.endsWith(` ${component}`))
  if (found === undefined) throw new Error(`the manifest has no ${component}`)
  return found[1]
}

/** What a restore of ann's home is to read back as; without what is never made. */
export function goldenHome(without: ReadonlySet<string> = NOT_MADE): Entries {
  return Object.fromEntries(
    Object.entries(goldenResources('files'))
      .filter(([path]) => !without.has(path))
      .map(([path, { state, content }]) => [path, plain(path, state as JsonObject, content as JsonObject | undefined)]),
  )
}

/** The same of a real directory `<root>/home/ann`. */
export async function readGoldenHome(root: string): Promise<Entries> {
  const component = filesComponent({ root, home: 'home/{user}', exclude: [], excludeDefaults: false })
  const { entries } = await readSlice(component, userSlice('ann'))
  return Object.fromEntries(
    [...entries].map(([path, { state, data, sizeBytes }]) => [
      path,
      plain(path, state, data && { size: sizeBytes, sha256: hash('sha256', data) }),
    ]),
  )
}

/** A hole is as long as the file system's blocks allow: only what is not in one is compared, as one file of zeros. */
function plain(path: string, state: JsonObject, content: JsonObject | undefined): JsonObject {
  const { unreadable: _, ...rest } = state
  const { holes: __, sha256, ...size } = content ?? {}
  return { ...rest, ...(content && { content: { ...size, ...(!HOLED.has(path) && { sha256: sha256 as string }) } }) }
}

const HOLED = new Set(['data/many holes.img', 'data/over a segment.img', 'data/only a hole'])
