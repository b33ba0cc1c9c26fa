import { describe, expect, test } from '@jest/globals'
import { createComponents, createWriters, knownKinds } from '../../../lib/components/registry.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { systemRandom } from '../../../lib/platform/random.ts'
import { parseSettings } from '../../../lib/settings.ts'

const platform = { clock: systemClock, random: systemRandom }
const settingsOf = (components: string) =>
  parseSettings(
    `deployment: campus\ncomponents: { ${components} }\nkeys: { keyring: ./keyring }`,
    '/etc/toriki/toriki.yaml',
  )
const keycloak =
  'keycloak: { url: https://id.example.org/auth, realm: nebari, username: root, password: "${env:PATH}" }'
const files = 'files: { root: /mnt/nebari, home: "home/{user}" }'

describe('the registry', () => {
  test.each([
    [
      'the components in their order, whatever the order of the settings',
      `${files}, ${keycloak}`,
      ['keycloak', 'files'],
    ],
    ['only what is configured', files, ['files']],
  ])('makes %s, and opens nothing', async (_title, components, names) => {
    const made = await createComponents(settingsOf(components), platform)
    expect(made.map(({ name }) => name)).toEqual(names)
    for (const component of made) await component.close()
  })

  test('makes writers of what is configured and can be restored, with the kinds that are read', async () => {
    const settings = settingsOf(files)
    const [writer, ...others] = await createWriters(settings, platform)
    const [component] = await createComponents(settings, platform)
    expect(others).toEqual([])
    expect([writer?.name, writer?.kinds]).toEqual([component?.name, component?.kinds])
    await writer?.close()
    await component?.close()
  })

  test('knows the kinds of keys that each component says it has', async () => {
    for (const component of await createComponents(settingsOf(`${files}, ${keycloak}`), platform)) {
      expect(knownKinds[component.name]).toEqual(component.kinds)
      await component.close()
    }
  })
})
