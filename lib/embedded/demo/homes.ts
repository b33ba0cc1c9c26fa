/**
 * The demo's file system: homes and shared directories as people leave them, and what they do until the next backup. Deterministic: the same
 * seed and number of people give the same names, bytes, modes and times. Writes only below `root`.
 */
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'

export interface DemoHomesOptions {
  /** Gets `home/<user>` and `shared/<group>`; made if it is not there. */
  readonly root: string
  /** How many people. */
  readonly users: number
  readonly seed: string
}

export interface DemoHomes {
  /** Regular files, those that a backup leaves out included. */
  readonly files: number
  /** Their lengths, holes included. */
  readonly bytes: number
  /** A file in this person's home that is there before and after `changeDemoHomes`: its path within the home. */
  exampleFile(user: string): string
}

/** Groups with a shared directory, as Nebari makes them. */
export const demoGroupNames: readonly string[] = ['analyst', 'developer', 'users']

const FIRST_NAMES =
  'ann ben carla dev.patel emma farid greta hiro ines jean-luc kofi lena mateo nadia omar priya quentin rosa sven tomoko uma viktor wanda xiomara yusuf zoe'.split(
    ' ',
  )
const TOPICS = [
  'rainfall',
  'churn',
  'soil-moisture',
  'sensors',
  'forecast',
  'survey',
  'bike-counts',
  'glaciers',
  'energy',
  'harvest',
]
const WORDS =
  'mean rolling daily station year value total region season trend count rate model error baseline sample window quality missing update'.split(
    ' ',
  )
/** 2 February 2026, a Monday. */
const MONDAY_SECONDS = Date.UTC(2026, 1, 2) / 1000
const DAY_SECONDS = 86_400
const CACHE_BYTES = 24 * 1024
const ARRAY_BYTES = 16 * 1024 * 1024
/** Others get a turn after so many homes. */
const TURN_HOMES = 50

/** The people of the demo, whoever needs them: `ann`, `ben`, … and, after the last first name, `ann2`, `ben2`, … */
export function demoUserNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / FIRST_NAMES.length)
    return `${FIRST_NAMES[index % FIRST_NAMES.length] ?? 'ann'}${round === 0 ? '' : round + 1}`
  })
}

/** About ten files a person; a thousand people take a second or two. `root` must be empty or absent. */
export async function makeDemoHomes({ root, users, seed }: DemoHomesOptions): Promise<DemoHomes> {
  const tree = new Tree(root)
  for (const [index, user] of demoUserNames(users).entries()) {
    makeHome(tree, `home/${user}`, index, new Draw(`${seed}/${user}`))
    if (index % TURN_HOMES === TURN_HOMES - 1) await setImmediate()
  }
  for (const group of demoGroupNames) makeShared(tree, `shared/${group}`, new Draw(`${seed}/${group}`))
  tree.setDirectoryTimes()
  return { files: tree.files, bytes: tree.bytes, exampleFile: (user) => notebookPath(new Draw(`${seed}/${user}`)) }
}

/**
 * A day's work of a few people, and much writing in what is left out. Once, after `makeDemoHomes`, with the same options.
 * @returns what was done, for people, in the order it was done.
 */
export function changeDemoHomes({ root, users, seed }: DemoHomesOptions): Promise<readonly string[]> {
  const tree = new Tree(root, MONDAY_SECONDS + DAY_SECONDS)
  const [ann = 'ann', ben = 'ben', carla = 'carla'] = demoUserNames(users)
  const done: string[] = []
  const change = (user: string, what: string, action: (home: string, draw: Draw) => void): void => {
    if (!demoUserNames(users).includes(user)) return
    action(`home/${user}`, new Draw(`${seed}/${user}`))
    done.push(`${user} ${what}`)
  }
  change(ann, 'ran a notebook again, and began another', (home, draw) => {
    const path = `${home}/${notebookPath(draw)}`
    tree.file(path, notebook(new Draw(`${seed}/${ann}/tuesday`), topicOf(draw)))
    tree.file(`${home}/notebooks/ideas.ipynb`, notebook(new Draw(`${seed}/${ann}/ideas`), 'ideas'))
  })
  change(ben, 'got new measurements in place of the old', (home, draw) => {
    const topic = topicOf(draw)
    rmSync(tree.at(`${home}/data/${topic}.csv`))
    tree.file(`${home}/data/${topic}-2026.csv`, csv(new Draw(`${seed}/${ben}/tuesday`), 400))
  })
  change(carla, 'tidied up: one directory has another name', (home) =>
    renameSync(tree.at(`${home}/src`), tree.at(`${home}/library`)),
  )
  for (const user of demoUserNames(Math.min(users, 100)))
    appendFileSync(tree.at(`home/${user}/.cache/pip/http.bin`), 'fetched again')
  appendFileSync(tree.at(`shared/${demoGroupNames[0]}/stations.csv`), 'station-99,47.1,8.5\n')
  done.push(`the group ${demoGroupNames[0]} has one more station in its shared table`)
  return Promise.resolve(done)
}

function makeHome(tree: Tree, home: string, index: number, draw: Draw): void {
  const topic = topicOf(draw)
  const notebookFile = `${home}/${notebookPath(draw)}`
  tree.file(notebookFile, notebook(draw, topic))
  tree.file(`${home}/data/${topic}.csv`, csv(draw, draw.below(500) + 50))
  tree.file(`${home}/src/${topic.replaceAll('-', '_')}.py`, python(draw, topic))
  tree.file(
    `${home}/README.md`,
    `# ${topic}\n\n${sentences(draw, 6)}\n\n- data in \`data/${topic}.csv\`\n- start with \`${notebookPath(draw)}\`\n`,
  )
  tree.file(`${home}/private/diary.txt`, sentences(draw, 12), 0o600)
  tree.file(`${home}/.config/matplotlib/matplotlibrc`, 'figure.dpi: 120\nsavefig.format: svg\n')
  // What the spawner writes and what programs fetch: left out of a backup by the built-in rules.
  tree.file(`${home}/.bashrc`, '# written anew at every start of the server\nexport PS1="\\u:\\w$ "\n')
  tree.file(`${home}/.jupyter/jupyter_config.json`, '{"ContentsManager": {"allow_hidden": true}}\n')
  tree.file(`${home}/.cache/pip/http.bin`, draw.noise(CACHE_BYTES))
  tree.link(`${home}/shared`, '/shared')
  tree.link(`${home}/latest.ipynb`, notebookPath(draw))
  if (index % 50 === 0) tree.sparse(`${home}/scratch/grid.dat`, ARRAY_BYTES, draw.noise(8192))
  if (index % 20 === 0) tree.file(`${home}/models/${topic}.bin`, draw.noise(256 * 1024))
  if (index % 3 === 0) tree.hardLink(`${home}/data/${topic}.csv`, `${home}/data/published.csv`)
}

function makeShared(tree: Tree, folder: string, draw: Draw): void {
  tree.file(`${folder}/README.md`, `# Shared by the group\n\n${sentences(draw, 4)}\n`, 0o664)
  tree.file(
    `${folder}/stations.csv`,
    `station,latitude,longitude\n${Array.from({ length: 40 }, (_, index) => `station-${index},${draw.decimal(45, 3)},${draw.decimal(6, 4)}`).join('\n')}\n`,
    0o664,
  )
  tree.link(`${folder}/current`, 'stations.csv')
}

/** The first draw of every person: the same wherever it is asked for. */
function topicOf(draw: Draw): string {
  return draw.first(TOPICS)
}

function notebookPath(draw: Draw): string {
  return `notebooks/${topicOf(draw)}.ipynb`
}

function notebook(draw: Draw, topic: string): string {
  const cells = Array.from({ length: draw.below(8) + 4 }, (_, index) =>
    index % 3 === 0
      ? {
          cell_type: 'markdown',
          metadata: {},
          source: [`## ${draw.of(WORDS)} ${draw.of(WORDS)}\n`, sentences(draw, 2)],
        }
      : {
          cell_type: 'code',
          execution_count: index,
          metadata: {},
          outputs: [
            {
              name: 'stdout',
              output_type: 'stream',
              text: Array.from({ length: 8 }, () => `${draw.of(WORDS).padEnd(10)}${draw.decimal(0, 100)}\n`),
            },
          ],
          source: [
            `frame = pd.read_csv("data/${topic}.csv")\n`,
            `frame.groupby("${draw.of(WORDS)}").${draw.of(['mean', 'sum', 'max'])}()`,
          ],
        },
  )
  return `${JSON.stringify({ cells, metadata: { kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' } }, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`
}

function csv(draw: Draw, rows: number): string {
  const lines = ['day,station,value,quality']
  for (let row = 0; row < rows; row++)
    lines.push(
      `2026-01-${String((row % 31) + 1).padStart(2, '0')},station-${draw.below(40)},${draw.decimal(0, 50)},${draw.of(['good', 'fair', 'poor'])}`,
    )
  return `${lines.join('\n')}\n`
}

function python(draw: Draw, topic: string): string {
  const [one, two] = [draw.of(WORDS), draw.of(WORDS)]
  return `"""Helpers for ${topic}."""\nimport pandas as pd\n\n\ndef ${one}_${two}(frame: pd.DataFrame, window: int = ${draw.below(20) + 2}) -> pd.Series:\n    """${sentences(draw, 1)}"""\n    return frame["${two}"].rolling(window).mean()\n`
}

function sentences(draw: Draw, count: number): string {
  return Array.from(
    { length: count },
    () => `The ${draw.of(WORDS)} of each ${draw.of(WORDS)} follows the ${draw.of(WORDS)} ${draw.of(WORDS)}.`,
  ).join(' ')
}

/** Draws from a seed, by integer arithmetic only (Marsaglia's xorshift128): the same on every machine, and quick. */
class Draw {
  readonly #firstWord: number
  readonly #words: Uint32Array

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest()
    this.#firstWord = digest.readUInt32LE(16)
    this.#words = Uint32Array.of(
      digest.readUInt32LE(0),
      digest.readUInt32LE(4),
      digest.readUInt32LE(8),
      digest.readUInt32LE(12) | 1,
    )
  }

  /** Of the seed itself, however much was drawn. */
  first<T>(list: readonly T[]): T {
    return pick(list, this.#firstWord)
  }

  of<T>(list: readonly T[]): T {
    return pick(list, this.#word())
  }

  /** A whole number from 0, below `limit`. */
  below(limit: number): number {
    return this.#word() % limit
  }

  /** From `least` up to `least + range`, three decimals. */
  decimal(least: number, range: number): string {
    return (least + (this.below(1000) / 1000) * range).toFixed(3)
  }

  /** Bytes that no compressor makes smaller; a multiple of four. */
  noise(bytes: number): Buffer {
    const noise = Buffer.allocUnsafe(bytes)
    for (let at = 0; at < bytes; at += 4) noise.writeUInt32LE(this.#word(), at)
    return noise
  }

  #word(): number {
    const words = this.#words
    const [a = 0, b = 0, c = 0, d = 0] = words
    const mixed = d ^ (d << 11)
    words[3] = c
    words[2] = b
    words[1] = a
    words[0] = mixed ^ (mixed >>> 8) ^ a ^ (a >>> 19)
    return words[0]
  }
}

function pick<T>(list: readonly T[], number: number): T {
  return list[number % list.length] as T
}

/** Writes below the root with times that do not depend on when it is done, and counts. */
class Tree {
  files = 0
  bytes = 0
  readonly #root: string
  readonly #directories = new Set<string>()
  #seconds: number

  constructor(root: string, seconds = MONDAY_SECONDS) {
    this.#root = root
    this.#seconds = seconds
  }

  at(path: string): string {
    return join(this.#root, path)
  }

  file(path: string, content: string | Buffer, mode = 0o644): void {
    this.#makeParent(path)
    writeFileSync(this.at(path), content)
    // Not with the write: the process's umask would have its say.
    chmodSync(this.at(path), mode)
    this.#finish(path, Buffer.byteLength(content))
  }

  /** Mostly a hole: data at the beginning and the end. */
  sparse(path: string, bytes: number, data: Buffer): void {
    this.#makeParent(path)
    const handle = openSync(this.at(path), 'w', 0o644)
    try {
      writeSync(handle, data, 0, data.length, 0)
      writeSync(handle, data, 0, data.length, bytes - data.length)
      ftruncateSync(handle, bytes)
    } finally {
      closeSync(handle)
    }
    this.#finish(path, bytes)
  }

  link(path: string, target: string): void {
    this.#makeParent(path)
    symlinkSync(target, this.at(path))
    lutimesSync(this.at(path), this.#seconds, this.#seconds)
  }

  hardLink(path: string, other: string): void {
    linkSync(this.at(path), this.at(other))
  }

  /** Last, since whatever is made in a directory changes its time. */
  setDirectoryTimes(): void {
    for (const path of this.#directories) utimesSync(this.at(path), MONDAY_SECONDS, MONDAY_SECONDS)
  }

  #finish(path: string, bytes: number): void {
    this.#seconds++
    utimesSync(this.at(path), this.#seconds, this.#seconds)
    this.files++
    this.bytes += bytes
  }

  #makeParent(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (this.#directories.has(parent)) return
    mkdirSync(this.at(parent), { recursive: true })
    for (let end = parent.length; end > 0; end = parent.lastIndexOf('/', end - 1))
      this.#directories.add(parent.slice(0, end))
  }
}
