/** The homes that can be made. What each is for stands in README.md. */
import { closeSync, lstatSync, openSync, readFileSync, readdirSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as make from './contents.ts'
import type { MakeContent } from './contents.ts'
import { FIRST_SECONDS, HomeWriter } from './home-writer.ts'
import { IntegerRandom } from './integer-random.ts'
import { Page, anyWord } from './page.ts'

export const profiles = ['mixed', 'small', 'large', 'dup'] as const
export type Profile = (typeof profiles)[number]

export interface HomeWish {
  readonly profile: Profile
  /** A folder that is not there yet, or is empty. */
  readonly out: string
  readonly seed?: number
  /** Of all but `small`: about so many bytes. */
  readonly sizeBytes?: number
  /** Of `small`. */
  readonly files?: number
}

export interface MadeHome {
  readonly files: number
  readonly bytes: number
}

const MEBIBYTE = 2 ** 20
const FILE_BYTES_MAX = 16 * MEBIBYTE
const DEFAULT_BYTES = { mixed: 600 * MEBIBYTE, dup: 600 * MEBIBYTE, large: 4096 * MEBIBYTE, small: 0 } as const
const DEFAULT_FILES = 100_000

export function makeHome({ profile, out, seed = 1, sizeBytes, files }: HomeWish): MadeHome {
  const umask = process.umask(0o022)
  const maker = new Maker(out, seed)
  const size = sizeBytes ?? DEFAULT_BYTES[profile]
  if (profile === 'mixed') maker.mixed(size, '')
  else if (profile === 'small') maker.small(files ?? DEFAULT_FILES)
  else if (profile === 'large') maker.large(size)
  else maker.dup(size)
  maker.home.end()
  process.umask(umask)
  return { files: maker.home.files, bytes: maker.home.bytes }
}

/** Share of the bytes in thousandths, folder, name, sizes, mode. */
interface Kind {
  readonly share: number
  readonly content: MakeContent
  readonly least: number
  readonly most: number
  readonly path: (random: IntegerRandom, index: number) => string
  readonly mode?: number
}

const name = (random: IntegerRandom): string => `${anyWord(random)}-${random.below(10_000)}`
const hex = (random: IntegerRandom): string =>
  Array.from({ length: 5 }, () => random.word().toString(16).padStart(8, '0')).join('')

const KINDS: readonly Kind[] = [
  {
    share: 100,
    content: make.notebook,
    least: 6_000,
    most: 4 * MEBIBYTE,
    path: (r, i) => `notebooks/topic-${i % 19}/${name(r)}.ipynb`,
  },
  {
    share: 220,
    content: make.csv,
    least: 40_000,
    most: FILE_BYTES_MAX,
    path: (r, i) => `data/raw/${i % 9}/${name(r)}.csv`,
  },
  {
    share: 180,
    content: make.parquet,
    least: 100_000,
    most: FILE_BYTES_MAX,
    path: (r, i) => `data/tables/day=${i % 6}/${name(r)}.parquet`,
  },
  {
    share: 120,
    content: make.code,
    least: 800,
    most: 200_000,
    path: (r, i) => `src/package${i % 29}/part${i % 8}/${name(r)}.py`,
  },
  {
    share: 60,
    content: make.byteCode,
    least: 1_200,
    most: 150_000,
    path: (r, i) => `src/package${i % 29}/__pycache__/${name(r)}.pyc`,
  },
  {
    share: 150,
    content: make.picture,
    least: 60_000,
    most: 6 * MEBIBYTE,
    path: (r, i) => `pictures/${i % 12}/${name(r)}.jpg`,
  },
  { share: 110, content: make.weights, least: 500_000, most: FILE_BYTES_MAX, path: (r) => `models/${name(r)}.bin` },
  {
    share: 30,
    content: make.gitObject,
    least: 120,
    most: 30_000,
    mode: 0o444,
    path: (r) => `thesis/.git/objects/${hex(r).replace(/^../, '$&/')}`,
  },
  {
    share: 30,
    content: make.gitObject,
    least: 8 * MEBIBYTE,
    most: 8 * MEBIBYTE,
    mode: 0o444,
    path: (r) => `thesis/.git/objects/pack/pack-${hex(r)}.pack`,
  },
]

class Maker {
  readonly home: HomeWriter
  readonly #random: IntegerRandom
  readonly #page = new Page(FILE_BYTES_MAX)

  constructor(out: string, seed: number) {
    this.home = new HomeWriter(out)
    this.#random = new IntegerRandom(seed)
  }

  mixed(bytes: number, below: string): void {
    const random = this.#random
    const at = (path: string): string => join(below, path)
    for (let i = 0; i < 60; i++)
      this.#file(at(`.config/${name(random)}/settings.json`), make.code, random.between(20, 3000), 0o600)
    for (const dotfile of ['.bashrc', '.profile', '.gitconfig', '.condarc', '.netrc', '.ssh/id_ed25519', '.ssh/config'])
      this.#file(at(dotfile), make.code, random.between(100, 4000), 0o600)
    this.#file(at('empty'), make.zeros, 0)
    this.#file(at('Überblick – größer ☃.txt'), make.code, 120)
    this.#file(at('bin/run'), make.code, 900, 0o755)
    this.home.folder(at('nothing-yet'))
    this.home.link(at('latest'), 'bin/run')
    this.home.link(at('gone'), '../not/there')
    for (const { share, content, least, most, path, mode } of KINDS) {
      const end = this.home.bytes + Math.floor((bytes / 1000) * share)
      for (let index = 0; this.home.bytes < end; index++) {
        const size = Math.min(random.heavyTailed(least, most), end - this.home.bytes)
        this.#file(at(path(random, index)), content, size, mode)
      }
    }
  }

  small(files: number): void {
    const random = this.#random
    for (let index = 0; index < files; index++) {
      let size = random.between(100, 800)
      while (size < 8192 && random.below(100) < 55) size = Math.min(8192, size * 2)
      const luck = random.below(10)
      const content = luck < 6 ? make.code : luck < 8 ? make.gitObject : make.csv
      this.#file(`small/${index % 97}/${Math.floor(index / 97) % 31}/${name(random)}-${index}`, content, size)
    }
  }

  large(bytes: number): void {
    const random = this.#random
    const path = join(this.home.root, 'large.h5')
    const handle = openSync(path, 'w', 0o644)
    for (let left = bytes; left > 0;) {
      const size = Math.min(left, (MEBIBYTE / 4) << random.below(5))
      const luck = random.below(100)
      const content =
        luck < 34 ? make.csv : luck < 62 ? make.noise : luck < 84 ? make.weights : luck < 94 ? make.parquet : make.zeros
      writeWhole(handle, content(this.#page, random, size))
      left -= size
    }
    closeSync(handle)
    utimesSync(path, FIRST_SECONDS, FIRST_SECONDS)
    this.home.counted(bytes)
  }

  dup(bytes: number): void {
    const random = this.#random
    this.mixed(Math.floor(bytes / 2), 'first')
    let due = 0
    let run = random.between(1024, 16_384)
    for (const path of filesBelow(join(this.home.root, 'first'))) {
      let content = readFileSync(join(this.home.root, 'first', path))
      due += content.length / 100
      while (due >= run && content.length > 0) {
        const other = Buffer.alloc(run)
        random.fill(other)
        const at = random.below(content.length)
        const next = random.below(2) === 0 ? at : Math.min(content.length, at + run)
        content = Buffer.concat([content.subarray(0, at), other, content.subarray(next)])
        due -= run
        run = random.between(1024, 16_384)
      }
      this.home.file(join('second', path), content)
    }
  }

  #file(path: string, content: MakeContent, bytes: number, mode?: number): void {
    this.home.file(path, content(this.#page, this.#random, bytes), mode)
  }
}

export function writeWhole(handle: number, content: Uint8Array): void {
  for (let done = 0; done < content.length;) done += writeSync(handle, content, done)
}

/** Paths of the regular files, in the order of their bytes: not in that of the file system. */
export function filesBelow(folder: string, below = ''): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(folder, below)).toSorted(byBytes)) {
    const path = join(below, entry)
    const stat = lstatSync(join(folder, path))
    if (stat.isDirectory()) for (const one of filesBelow(folder, path)) found.push(one)
    else if (stat.isFile()) found.push(path)
  }
  return found
}

export function byBytes(one: string, two: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(two))
}
