/** What can be told without a database. With one: test/integration/keycloak. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { PostgresCredentials } from '../../../../lib/components/keycloak/credentials-postgres.ts'
import type { Check } from '../../../../lib/components/component.ts'

const never = new AbortController().signal
const person = { id: '00000000-0000-0000-0000-000000000000', username: 'ann' }

async function refusalOf(address: string): Promise<unknown> {
  const source = new PostgresCredentials({ address, realm: 'nebari' })
  try {
    return await source.read(person, never).catch((error: unknown) => error)
  } finally {
    await source.close()
  }
}

describe('an address of a database', () => {
  test.each(['', 'nonsense', 'http://host/db', 'postgres//host'])(
    'that is none is refused, and not repeated: %j',
    (address) => {
      expect(() => new PostgresCredentials({ address, realm: 'nebari' })).toThrow(
        expect.objectContaining({ code: 'credentials-unreadable', message: 'The address of the database is none.' }),
      )
    },
  )

  test('that switches the check of certificates off is refused', () => {
    const address = 'postgres://user:planted@host/db?sslmode=no-verify'
    expect(() => new PostgresCredentials({ address, realm: 'nebari' })).toThrow(
      expect.objectContaining({ code: 'credentials-unreadable', message: expect.not.stringContaining('planted') }),
    )
  })

  test('where nobody listens is an error without the password in it', async () => {
    const error = await refusalOf('postgres://user:planted@127.0.0.1:2/db')
    expect(error).toMatchObject({
      code: 'credentials-unreadable',
      retry: 'later',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('planted')
  })

  test('with TLS asked for goes on only with TLS: nothing is said in clear', async () => {
    const heard: Buffer[] = []
    // A server that answers "no TLS here" to every wish for it.
    const server = createServer((socket) => {
      socket.on('data', (data) => {
        heard.push(data)
        socket.write('N')
      })
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const error = await refusalOf(`postgres://user:planted@127.0.0.1:${port}/db?sslmode=prefer`)
    expect(error).toMatchObject({ code: 'credentials-unreadable' })
    expect(Buffer.concat(heard).toString('latin1')).not.toMatch(/planted|user/)
    await new Promise((resolve) => void server.close(resolve))
  })

  test('the doctor tells, and does not throw', async () => {
    const source = new PostgresCredentials({ address: 'postgres://user:planted@127.0.0.1:2/db', realm: 'nebari' })
    const checks: Check[] = []
    for await (const check of source.check()) checks.push(check)
    expect(checks).toEqual([
      {
        check: 'keycloak: database of credentials can be read',
        ok: false,
        remedy: expect.stringContaining('ECONNREFUSED'),
      },
    ])
    await source.close()
  })
})
