// Lays the program out of its ConfigMap where Node can start it: `node unpack.mjs FROM TO`. Every file is compared with the digest that the build wrote; a
// program that is not whole is never started. Runs on any image with Node, without a shell.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

const [from, to] = process.argv.slice(2)
for (const { path, from: name, sha256 } of JSON.parse(readFileSync(join(from, 'program.json'), 'utf8'))) {
  const content = brotliDecompressSync(readFileSync(join(from, name)))
  if (createHash('sha256').update(content).digest('hex') !== sha256)
    throw new Error(`${name} is not the file that was built: apply the manifests again`)
  mkdirSync(dirname(join(to, path)), { recursive: true })
  writeFileSync(join(to, path), content, { mode: 0o444 })
}
