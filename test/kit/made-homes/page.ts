/** One buffer that contents are written into, again and again: words, digits, noise. What is taken from it is good until the next content begins. */
import { IntegerRandom } from './integer-random.ts'

const ONSETS = ['b', 'c', 'd', 'f', 'g', 'h', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'st', 'tr', 'pl', 'ch']
const VOWELS = ['a', 'e', 'i', 'o', 'u', 'ea', 'ou']
const CODAS = ['', '', '', 'n', 'r', 's', 't', 'l', 'x']
const WORDS = 5000
/** Longer than the longest unit that a writer adds before it looks whether there is enough. */
const SLACK_BYTES = 128 * 1024

/** The same for every seed: people share a language. */
const words: readonly Buffer[] = makeWords()

function makeWords(): Buffer[] {
  const random = new IntegerRandom(1)
  const one = (list: readonly string[]): string => list[random.below(list.length)] ?? ''
  return Array.from({ length: WORDS }, () => {
    let word = ''
    for (let syllables = random.between(1, 3); syllables > 0; syllables--)
      word += one(ONSETS) + one(VOWELS) + one(CODAS)
    return Buffer.from(word, 'latin1')
  })
}

export class Page {
  readonly bytes: Buffer
  length = 0

  constructor(bytesMax: number) {
    this.bytes = Buffer.alloc(bytesMax + SLACK_BYTES)
  }

  text(text: string): void {
    this.length += this.bytes.write(text, this.length, 'latin1')
  }

  word(random: IntegerRandom): void {
    this.#put(words[random.mostlySmall(WORDS)])
  }

  /** One of the few words that a column of categories holds. */
  category(random: IntegerRandom, count: number): void {
    this.#put(words[(random.mostlySmall(count) * 61) % WORDS])
  }

  digits(random: IntegerRandom, count: number): void {
    for (let i = 0; i < count; i++) this.bytes[this.length++] = 48 + random.below(10)
  }

  byte(value: number): void {
    this.bytes[this.length++] = value
  }

  noise(random: IntegerRandom, count: number): void {
    random.fill(this.bytes.subarray(this.length, this.length + count))
    this.length += count
  }

  /** The first `count` bytes. */
  take(count: number): Buffer {
    return this.bytes.subarray(0, count)
  }

  #put(word: Buffer | undefined): void {
    if (word === undefined) return
    for (const byte of word) this.bytes[this.length++] = byte
  }
}

export function anyWord(random: IntegerRandom): string {
  return words[random.below(WORDS)]?.toString('latin1') ?? ''
}
