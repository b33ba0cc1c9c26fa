/** In plain Node: inside jest there is no agent of Node's own to take the class from. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { openTransport } from '../../../../lib/components/keycloak/transport.ts'

/** What a small program prints as JSON; it has `openTransport`, `certificate`, `startTls` and `startPlain` at hand. */
async function inPlainNode(program: string): Promise<unknown> {
  const preamble = fileURLToPath(new URL('transport-ground.ts', import.meta.url))
  const code = `const ground = await import(${JSON.stringify(`file://${preamble}`)}); const { openTransport, certificate, startTls, startPlain, outcome } = ground; ${program}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '--input-type=module', '-e', code], {
    timeout: 30_000,
  })
  return JSON.parse(stdout)
}

describe('connections', () => {
  test('to a server whose certificate nobody knows are refused, with a code that says so', async () => {
    const result =
      await inPlainNode(`const server = await startTls(); const transport = openTransport({ connections: 2 })
      console.log(JSON.stringify(await outcome(server.url, transport))); await transport.close(); server.stop()`)
    expect(result).toMatchObject({
      code: 'source-unreachable',
      retry: 'never',
      message: expect.stringContaining('SELF_SIGNED'),
      remedy: expect.stringContaining('components.keycloak.ca'),
    })
  })

  test('to a server of a private authority work when it is named', async () => {
    const result =
      await inPlainNode(`const server = await startTls(); const transport = openTransport({ connections: 2, ca: certificate })
      console.log(JSON.stringify(await outcome(server.url, transport))); await transport.close(); server.stop()`)
    expect(result).toEqual({ status: 200, bytes: 2 })
  })

  test('end before an answer beyond all reason takes memory', async () => {
    const result =
      await inPlainNode(`const server = await startPlain(80 * 1024 * 1024); const transport = openTransport({ connections: 2 })
      console.log(JSON.stringify(await outcome(server.url, transport))); await transport.close(); server.stop()`)
    expect(result).toMatchObject({ code: 'source-unexpected' })
  })

  test('where a private authority cannot be used, it is not ignored', () => {
    expect(() => openTransport({ connections: 1, ca: 'PEM' })).toThrow(
      expect.objectContaining({ code: 'settings-invalid' }),
    )
  })
})
