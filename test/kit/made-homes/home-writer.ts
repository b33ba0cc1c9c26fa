/** Writes a made home: every file and folder gets a modification time that follows from its number. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** 2023-11-14T22:13:20Z */
export const FIRST_SECONDS = 1_700_000_000
const SPREAD_SECONDS = 9_000_000

export class HomeWriter {
  readonly root: string
  files = 0
  bytes = 0
  readonly #folders = new Set<string>()

  constructor(root: string) {
    this.root = root
    this.folder('')
  }

  file(path: string, content: Uint8Array, mode = 0o644): void {
    this.folder(dirname(path) === '.' ? '' : dirname(path))
    const at = join(this.root, path)
    writeFileSync(at, content, { mode })
    const seconds = FIRST_SECONDS + ((this.files * 7907) % SPREAD_SECONDS)
    utimesSync(at, seconds, seconds)
    this.counted(content.length)
  }

  /** Of a file that was written another way. */
  counted(bytes: number): void {
    this.files++
    this.bytes += bytes
  }

  folder(path: string): void {
    if (this.#folders.has(path)) return
    mkdirSync(join(this.root, path), { recursive: true })
    for (let at = path; !this.#folders.has(at); at = dirname(at) === '.' ? '' : dirname(at)) this.#folders.add(at)
  }

  link(path: string, target: string): void {
    symlinkSync(target, join(this.root, path))
  }

  /** When everything is written: the folders' times. Their order does not matter, for a time set below changes none above. */
  end(): void {
    for (const path of this.#folders) utimesSync(join(this.root, path), FIRST_SECONDS, FIRST_SECONDS)
  }
}
