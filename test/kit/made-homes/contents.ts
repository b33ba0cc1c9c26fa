/** What files in a home hold, by kind: each gives exactly so many bytes. They compress about as real ones do; none was made with a compressor. */
import type { IntegerRandom } from './integer-random.ts'
import type { Page } from './page.ts'

export type MakeContent = (page: Page, random: IntegerRandom, bytes: number) => Buffer

/** `w` a word, `d` a few digits, `s` a sentence of words; everything else as it stands. */
type Piece = string | { readonly place: 'w' | 'd' | 's' }

const LINES: readonly (readonly Piece[])[] = [
  '    «w» = «w»(«w», «w»)\n',
  '    «w».«w»_«w» = «w».«w»(«d»)\n',
  '    # «s»\n',
  '\n\ndef «w»_«w»(self, «w», «w»=None):\n',
  "        «w» = frame['«w»'].«w»(axis=«d»)\n",
  '        if «w» == "«w»":\n',
  '        return «w»[«w»] + «w»\n',
  'from «w».«w» import «w»_«w»\n',
  '    for «w» in range(«d»):\n',
  '    """«s»"""\n',
  '        self.«w» = np.«w»(«w», «d»)\n',
  '\n\nclass «w»(«w».«w»):\n',
].map((line) =>
  line
    .split(/«(.)»/)
    .map((part, index): Piece => (index % 2 === 0 ? part : { place: part as 'w' | 'd' | 's' }))
    .filter((piece) => piece !== ''),
)

function line(page: Page, random: IntegerRandom): void {
  for (const piece of LINES[random.mostlySmall(LINES.length)] ?? []) {
    if (typeof piece === 'string') page.text(piece)
    else if (piece.place === 'w') page.word(random)
    else if (piece.place === 'd') page.digits(random, random.between(1, 4))
    else sentence(page, random)
  }
}

function sentence(page: Page, random: IntegerRandom): void {
  for (let left = random.between(4, 11); left > 0; left--) {
    page.word(random)
    page.byte(0x20)
  }
}

/** Adds unit after unit until there is enough. */
function until(page: Page, bytes: number, add: () => void): Buffer {
  while (page.length < bytes) add()
  return page.take(bytes)
}

export const code: MakeContent = (page, random, bytes) => {
  page.length = 0
  return until(page, bytes, () => line(page, random))
}

export const csv: MakeContent = (page, random, bytes) => {
  page.length = 0
  const columns = Array.from({ length: random.between(5, 12) }, () => random.below(4))
  let row = random.below(100_000)
  return until(page, bytes, () => {
    row += random.between(1, 3)
    page.text(
      `2025-${String(1 + ((row >>> 9) % 12)).padStart(2, '0')}-${String(1 + ((row >>> 5) % 28)).padStart(2, '0')}`,
    )
    for (const column of columns) {
      page.byte(0x2c)
      if (column === 0) page.category(random, 30)
      else if (column === 1) {
        page.text('0.')
        page.digits(random, 6)
      } else if (column === 2) {
        page.digits(random, 2)
        page.byte(0x2e)
        page.digits(random, 3)
      } else page.text(String(row * 7 + random.below(40)))
    }
    page.byte(0x0a)
  })
}

export const notebook: MakeContent = (page, random, bytes) => {
  page.length = 0
  page.text('{\n "cells": [\n')
  return until(page, bytes, () => {
    page.text('  {\n   "cell_type": "code",\n   "execution_count": ')
    page.digits(random, 2)
    page.text(',\n   "metadata": {},\n   "source": [\n')
    for (let left = random.between(2, 13); left > 0; left--) {
      page.text('    "')
      const from = page.length
      line(page, random)
      for (let at = from; at < page.length; at++)
        if (page.bytes[at] === 0x22 || page.bytes[at] === 0x0a) page.bytes[at] = 0x27
      page.text('\\n",\n')
    }
    page.text('   ],\n   "outputs": [')
    const luck = random.below(10)
    if (luck < 2) {
      const picture = Buffer.alloc(random.between(3, 22) * 768)
      random.fill(picture)
      page.text(`{"data": {"image/png": "iVBORw0KGgo${picture.toString('base64')}"}}`)
    } else if (luck < 7) {
      page.text('{"data": {"text/plain": [')
      for (let rows = random.between(3, 20); rows > 0; rows--) {
        page.text('"')
        page.digits(random, 2)
        for (let column = 0; column < 6; column++) {
          page.text('   0.')
          page.digits(random, 6)
        }
        page.text('\\n",\n')
      }
      page.text(']}}')
    }
    page.text(']\n  },\n')
  })
}

export const noise: MakeContent = (page, random, bytes) => {
  page.length = 0
  page.noise(random, bytes)
  return page.take(bytes)
}

const starting =
  (...head: readonly number[]): MakeContent =>
  (page, random, bytes) => {
    const content = noise(page, random, bytes)
    content.set(head.slice(0, bytes))
    return content
  }

export const picture = starting(0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46)
/** Deflated, as git has it. */
export const gitObject = starting(0x78, 0x01)

/** 32-bit floats of small size: three bytes of noise, one of exponent. */
export const weights: MakeContent = (page, random, bytes) => {
  const { bytes: into } = page
  for (let at = 0; at < bytes; at += 4) {
    const word = random.word()
    into[at] = word
    into[at + 1] = word >>> 8
    into[at + 2] = word >>> 16
    into[at + 3] = ((word >>> 24) & 0x80) | 0x3c | ((word >>> 26) & 1)
  }
  return page.take(bytes)
}

/** Pages of a column store: packed bits, dictionaries of words, runs of small integers. */
export const parquet: MakeContent = (page, random, bytes) => {
  page.length = 0
  page.text('PAR1')
  return until(page, bytes, () => {
    const length = random.between(8, 64) * 1024
    const end = page.length + length
    const luck = random.below(10)
    if (luck < 5) page.noise(random, length)
    else if (luck < 7)
      while (page.length < end) {
        page.word(random)
        page.byte(0)
      }
    else
      while (page.length < end) {
        page.byte(random.below(16) * 7)
        page.byte(random.below(4))
        page.byte(0)
        page.byte(random.below(256))
      }
  })
}

export const byteCode: MakeContent = (page, random, bytes) => {
  page.length = 0
  return until(page, bytes, () => {
    if (random.below(3) > 0) {
      page.byte(0xda)
      page.word(random)
    } else {
      for (let left = 8; left > 0; left--) {
        page.byte(100 + random.below(8))
        page.byte(random.mostlySmall(20))
      }
      page.noise(random, 6)
    }
  })
}

export const zeros: MakeContent = (page, _random, bytes) => page.take(bytes).fill(0)
