import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../lib/errors.ts'
import { parseSettings } from '../../lib/settings.ts'

const minimal = 'deployment: campus\ncomponents:\n  files: { root: /mnt/nebari, home: "home/{user}" }\n'

function refusal(text: string): TorikiError {
  try {
    parseSettings(text, '/etc/toriki/toriki.yaml')
  } catch (error) {
    if (error instanceof TorikiError) return error
    throw error
  }
  throw new Error('these settings were taken')
}

describe('settings', () => {
  test('need little more than a component: store, keys and queue lie beside the file', () => {
    const settings = parseSettings(minimal, '/etc/toriki/toriki.yaml')
    expect(settings).toMatchObject({
      deployment: 'campus',
      store: { folder: '/etc/toriki/toriki-data' },
      keys: { keyring: '/etc/toriki/toriki-keyring' },
      queue: { sqlite: '/etc/toriki/toriki-queue' },
      workers: 'here',
      componentNames: ['files'],
      components: { files: { root: '/mnt/nebari', home: 'home/{user}', exclude: [], excludeDefaults: true } },
      limits: { parallel: 4, attempts: 5, shrink: 0.2 },
    })
  })

  test('take the whole example of the contract that this version covers', () => {
    process.env['TEST_KEYCLOAK_SECRET'] = 'planted-secret'
    process.env['TEST_DATABASE_URL'] = 'postgres://reader:planted@127.0.0.1/keycloak'
    const settings = parseSettings(
      `
deployment: campus
store: { folder: ./toriki-data }
keys: { keyring: /etc/toriki/keyring }
queue: { sqlite: ./toriki-queue }
workers: here
components:
  keycloak:
    url: https://nebari.example.org/auth/
    realm: nebari
    client: toriki-backup
    secret: \${env:TEST_KEYCLOAK_SECRET}
    credentials: { postgres: "\${env:TEST_DATABASE_URL}" }
    restore: { client: toriki-restore, secret: "\${env:KEYCLOAK_RESTORE_SECRET}" }
  files:
    root: /mnt/nebari
    home: home/{user}
    group: shared/{group}
    exclude: [".cache/", "*.pyc"]
    excludeDefaults: true
schedule: { cron: "0 2 * * *", timezone: Europe/Berlin }
retention: { last: 3, daily: 7, weekly: 4, monthly: 12, yearly: 2, left: 400d, runs: 400d }
alarms: { rpo: 48h, command: /usr/local/bin/tell-me }
limits: { parallel: 4, attempts: 5, shrink: 20%, requestsPerSecond: { keycloak: 30 }, bytesPerSecond: { files: 200MiB }, window: "22:00-06:00" }
`,
      '/etc/toriki/toriki.yaml',
    )
    expect(settings.components.keycloak).toEqual({
      url: 'https://nebari.example.org/auth',
      realm: 'nebari',
      login: { client: 'toriki-backup', secret: 'planted-secret' },
      credentials: { postgres: 'postgres://reader:planted@127.0.0.1/keycloak' },
      requestsPerSecond: 30,
    })
    expect(settings.components.files).toMatchObject({ bytesPerSecond: 200 * 2 ** 20, group: 'shared/{group}' })
    expect(settings.alarms).toEqual({ rpoMs: 48 * 3_600_000, command: '/usr/local/bin/tell-me' })
    expect(JSON.stringify(settings.source)).not.toContain('planted')
  })

  test.each([
    [
      'deployment: Campus!\ncomponents: { files: { root: /x, home: "home/{user}" } }',
      /toriki\.yaml:1: deployment: must be lower-case/,
    ],
    ['deployment: campus\n', /components/],
    ['deployment: campus\ncomponents: {}\n', /needs at least one component/],
    [`${minimal}colour: red\n`, /toriki\.yaml:4: colour: there is no such setting/],
    [
      'deployment: campus\ncomponents:\n  files:\n    root: /x\n    home: home/ann\n',
      /toriki\.yaml:5: components\.files\.home: must be a relative path with \{user\}/,
    ],
    ['deployment: campus\ncomponents:\n  files:\n    root: /x\n    home: ../{user}\n', /toriki\.yaml:5/],
    ['deployment: campus\ncomponents:\n  files: {root: /x}\n', /needs `home`, `group` or both/],
    [`${minimal}schedule: { cron: "0 2 * *" }\n`, /schedule\.cron: must be a cron expression/],
    [`${minimal}schedule: { cron: "0 2 * * *", timezone: Europe/Berln }\n`, /schedule\.timezone: must be a time zone/],
    [`${minimal}limits: { shrink: 20 }\n`, /limits\.shrink: must be a share/],
    [`${minimal}limits: { parallel: 0 }\n`, /limits\.parallel: must be a whole number from 1 to 64/],
    [`${minimal}store: { folder: ./a }\nstore: { folder: ./b }\n`, /toriki\.yaml:5: this is not YAML/],
    [
      `${minimal}  condaStore: { url: "https://x" }\n`,
      /components\.condaStore: conda-store is not backed up by this version/,
    ],
    [
      `${minimal}  jupyterhub: { url: "https://x", token: secret }\n`,
      /components\.jupyterhub\.token: must be a reference, not the secret itself/,
    ],
    [
      `${minimal}regions: [eu-central-1]\nstore: { s3: { bucket: b, region: us-east-1 } }\n`,
      /region us-east-1 is not in/,
    ],
    [
      `${minimal}store: { folder: ./data }\nkeys: { keyring: ./data/keyring }\n`,
      /toriki\.yaml:5: keys\.keyring: lies inside the store/,
    ],
  ])('refuse a mistake with file, line, key and what would be right: %j', (text, message) => {
    const error = refusal(text)
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('\n')
  })

  test('refuse a secret in clear without repeating it', () => {
    const error = refusal(
      'deployment: campus\ncomponents:\n  keycloak:\n    url: https://x/auth\n    realm: nebari\n    client: c\n    secret: hunter2-in-clear\n',
    )
    expect(error.message).toMatch(/toriki\.yaml:7: components\.keycloak\.secret: must be a reference/)
    expect(error.message).not.toContain('hunter2')
  })

  test('name the variable that a reference misses', () => {
    const error = refusal(
      'deployment: campus\ncomponents:\n  keycloak:\n    url: https://x/auth\n    realm: nebari\n    client: c\n    secret: "${env:TORIKI_NO_SUCH}"\n',
    )
    expect(error.code).toBe('reference-unresolved')
    expect(error.message).toBe(
      '/etc/toriki/toriki.yaml:7: components.keycloak.secret: the environment has no TORIKI_NO_SUCH.',
    )
  })

  test('leave the secrets of sources alone when only the platform is asked for', () => {
    const text =
      'deployment: campus\ncomponents:\n  keycloak:\n    url: https://x/auth\n    realm: nebari\n    client: c\n    secret: "${env:TORIKI_NO_SUCH}"\n'
    expect(parseSettings(text, '/x/toriki.yaml', 'platform')).toMatchObject({
      components: {},
      componentNames: ['keycloak'],
    })
  })

  test('give the hub’s token to a restore only', () => {
    const text = `${minimal}  jupyterhub: { url: "https://nebari.example.org/", token: "\${env:PATH}" }\n`
    expect(parseSettings(text, '/etc/toriki/toriki.yaml', 'restore').components.jupyterhub).toEqual({
      url: 'https://nebari.example.org',
      token: process.env['PATH'],
    })
    const settings = parseSettings(text, '/etc/toriki/toriki.yaml')
    expect(settings.components).not.toHaveProperty('jupyterhub')
    expect(settings.componentNames).toEqual(['files'])
  })

  test('take a topic for alarms, and refuse one of a region that is not allowed, or of another service', () => {
    const topic = (arn: string): string => `${minimal}alarms: { topic: "${arn}" }\nregions: [eu-central-1]\n`
    const arn = 'arn:aws:sns:eu-central-1:111122223333:campus-alarms'
    expect(parseSettings(topic(arn), '/x/toriki.yaml').alarms).toEqual({ topic: arn })
    expect(refusal(topic('arn:aws:sns:us-east-1:111122223333:campus-alarms'))).toMatchObject({
      code: 'region-not-allowed',
      message: expect.stringContaining('us-east-1'),
    })
    expect(refusal(topic('arn:aws:sqs:eu-central-1:111122223333:campus'))).toMatchObject({
      code: 'settings-invalid',
      message: expect.stringContaining('alarms.topic: must be the ARN of an SNS topic'),
    })
  })
})
