/** Settings from where they are kept; the cloud is a map here, and counts what it is asked. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../lib/errors.ts'
import { loadSettings } from '../../lib/load-settings.ts'
import type { KeptText } from '../../lib/platform/kept-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'toriki-settings-'))

function keycloak(secret: string, more = ''): string {
  return `deployment: campus\ncomponents:\n  keycloak:\n    url: https://x/auth\n    realm: nebari\n    client: c\n    secret: "${secret}"\n${more}`
}

function file(text: string): string {
  const path = join(folder, 'toriki.yaml')
  writeFileSync(path, text)
  return path
}

function cloud(texts: Readonly<Record<string, string>>) {
  const asked: KeptText[] = []
  return {
    asked,
    read(kept: KeptText): Promise<string> {
      asked.push(kept)
      const text = texts[`${kept.service}:${kept.name}`]
      return text === undefined
        ? Promise.reject(
            new TorikiError('reference-unresolved', { message: `${kept.name} is not there.`, remedy: 'Make it.' }),
          )
        : Promise.resolve(text)
    },
  }
}

describe('settings in a file', () => {
  test('take a secret from a file, without its last newline', async () => {
    writeFileSync(join(folder, 'secret'), 'from-file\n')
    const { components } = await loadSettings({ file: file(keycloak('${file:secret}')) })
    expect(components.keycloak?.login).toEqual({ client: 'c', secret: 'from-file' })
  })

  test('say so when there is none', async () => {
    await expect(loadSettings({ file: '/nonexistent/toriki.yaml' })).rejects.toMatchObject({
      code: 'settings-missing',
      message: 'The settings file /nonexistent/toriki.yaml cannot be read.',
    })
  })
})

describe('secrets that the cloud keeps', () => {
  test('are taken whole, or by a key of theirs, and each is asked for once', async () => {
    const { asked, read } = cloud({
      'aws-sm:campus/keycloak': '{"secret":"s-1","database":"postgres://r:p@db/keycloak"}',
    })
    const text = keycloak(
      '${aws-sm:campus/keycloak#secret}',
      '    credentials: { postgres: "${aws-sm:campus/keycloak#database}" }\n',
    )
    const { components } = await loadSettings({ file: file(text), read })
    expect(components.keycloak).toMatchObject({
      login: { secret: 's-1' },
      credentials: { postgres: 'postgres://r:p@db/keycloak' },
    })
    expect(asked).toHaveLength(1)
    const whole = cloud({ 'aws-sm:plain': 's-2', 'aws-ssm:/campus/keycloak': 's-3' })
    for (const [reference, secret] of [
      ['${aws-sm:plain}', 's-2'],
      ['${aws-ssm:/campus/keycloak}', 's-3'],
    ] as const) {
      const { components: these } = await loadSettings({ file: file(keycloak(reference)), read: whole.read })
      expect(these.keycloak?.login).toMatchObject({ secret })
    }
  })

  test('are not asked for where no source is', async () => {
    const { asked, read } = cloud({})
    await loadSettings({ file: file(keycloak('${aws-sm:campus/keycloak#secret}')), resolve: 'platform', read })
    expect(asked).toEqual([])
  })

  test('stay references in what the deployment keeps of its settings', async () => {
    const { read } = cloud({ 'aws-ssm:name': 'planted-secret' })
    const { source } = await loadSettings({ file: file(keycloak('${aws-ssm:name}')), read })
    expect(JSON.stringify(source)).toContain('${aws-ssm:name}')
    expect(JSON.stringify(source)).not.toContain('planted-secret')
  })

  test('that are not there are refused with file, line, key and name', async () => {
    const path = file(keycloak('${aws-sm:campus/keycloak#secret}'))
    await expect(loadSettings({ file: path, read: cloud({}).read })).rejects.toMatchObject({
      code: 'reference-unresolved',
      message: `${path}:7: components.keycloak.secret: campus/keycloak is not there.`,
      remedy: 'Make it.',
    })
  })

  test.each(['planted-secret', '{"other":"planted-secret"}', '{"secret":5}', '["planted-secret"]', '{"secret":""}'])(
    'without the key are refused, and nothing of them is shown: %s',
    async (kept) => {
      const { read } = cloud({ 'aws-sm:campus': kept })
      const error = await loadSettings({ file: file(keycloak('${aws-sm:campus#secret}')), read }).catch(
        (refusal: unknown) => refusal,
      )
      expect(error).toMatchObject({
        code: 'reference-unresolved',
        message: expect.stringContaining('the secret campus is no JSON object with a text secret'),
        remedy: expect.stringContaining('leave out #secret'),
      })
      expect(String((error as Error).stack)).not.toContain('planted-secret')
    },
  )

  test('are asked for in the region of their ARN, which `regions` allows or refuses', async () => {
    const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:campus-AbCdEf'
    const { asked, read } = cloud({ [`aws-sm:${arn}`]: 's' })
    await loadSettings({ file: file(keycloak(`\${aws-sm:${arn}}`, 'regions: [eu-west-1]\n')), read })
    expect(asked).toMatchObject([{ name: arn, region: 'eu-west-1' }])
    await expect(
      loadSettings({ file: file(keycloak(`\${aws-sm:${arn}#k}`, 'regions: [eu-central-1]\n')), read }),
    ).rejects.toMatchObject({ code: 'region-not-allowed' })
    expect(asked).toHaveLength(1)
  })
})

describe('settings that the cloud keeps', () => {
  test.each(['aws-ssm:/campus/toriki', 'aws-sm:campus/toriki'])('%s', async (place) => {
    const { read } = cloud({ [place]: keycloak('${aws-ssm:name}', 'store: { folder: data }\n'), 'aws-ssm:name': 's-4' })
    const settings = await loadSettings({ file: place, read })
    expect(settings).toMatchObject({
      file: place,
      deployment: 'campus',
      store: { folder: join(process.cwd(), 'data') },
      components: { keycloak: { login: { secret: 's-4' } } },
    })
  })

  test('that are not there, or not to be read, are refused by name', async () => {
    await expect(loadSettings({ file: 'aws-ssm:/campus/toriki', read: cloud({}).read })).rejects.toMatchObject({
      code: 'settings-missing',
      message: 'The settings aws-ssm:/campus/toriki cannot be read: /campus/toriki is not there.',
      remedy: 'Make it.',
    })
  })

  test('name themselves where they are wrong', async () => {
    const { read } = cloud({ 'aws-ssm:x': 'deployment: Campus\n' })
    await expect(loadSettings({ file: 'aws-ssm:x', read })).rejects.toThrow(/^aws-ssm:x:1: deployment: /)
  })
})
