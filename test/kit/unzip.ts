/** Lays a zip out in a folder, as the host of a function does: by its central directory, checking each file's length and checksum. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32, inflateRawSync } from 'node:zlib'

/** The names of its files, in order. */
export async function unzip(file: string, folder: string): Promise<readonly string[]> {
  const bytes = await readFile(file)
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  assert(end >= 0, `${file} is no zip`)
  const names: string[] = []
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    assert.equal(bytes.toString('latin1', at, at + 4), 'PK\x01\x02')
    const [sum, packed, length] = [16, 20, 24].map((offset) => bytes.readUInt32LE(at + offset)) as [
      number,
      number,
      number,
    ]
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength)
    assert(!name.startsWith('/') && !name.split('/').includes('..'), `${name} leads outside`)
    const local = bytes.readUInt32LE(at + 42)
    const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
    const content = inflateRawSync(bytes.subarray(data, data + packed))
    assert(content.length === length && crc32(content) === sum, `${name} is damaged`)
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    await chmod(path, (bytes.readUInt32LE(at + 38) >>> 16) & 0o777)
    names.push(name)
    at += 46 + nameLength + extra + comment
  }
  return names
}
