import { describe, expect, test } from '@jest/globals'
import {
  createDeployment,
  openDeployment,
  readDeploymentSettings,
} from '../../../lib/repository/deployment-repository.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'

const settings = { deployment: 'campus', store: { folder: './x' } }

function edit(platform: MemoryPlatform, key: string, change: (document: Record<string, unknown>) => void): void {
  const document = JSON.parse((platform.store.peek(key) as Buffer).toString()) as Record<string, unknown>
  change(document)
  platform.store.replace(key, Buffer.from(JSON.stringify(document)))
}

describe('a deployment', () => {
  test('is created once, and opens with the same id and slice ids', async () => {
    const platform = memoryPlatform()
    const created = await createDeployment(platform, { name: 'campus', settings })
    const opened = await openDeployment(platform, { name: 'campus' })
    expect(opened.id).toBe(created.id)
    expect(opened.sliceId('user/ann', 1)).toBe(created.sliceId('user/ann', 1))
    expect(opened.sliceId('user/ann', 1)).not.toBe(opened.sliceId('user/ann', 2))
    expect(opened.sliceId('user/ann', 1)).toMatch(/^[a-z2-7]{26}$/)
    expect(platform.store.keys()).toEqual(['deployment/1', 'deployment/2', 'keys/deployment/1'])
  })

  test('gives back its settings, which nobody reads without the keys', async () => {
    const platform = memoryPlatform()
    await createDeployment(platform, { name: 'campus', settings: { secretPlace: 'aws-sm' } })
    expect(await readDeploymentSettings(platform, { name: 'campus' })).toEqual({ secretPlace: 'aws-sm' })
    for (const key of platform.store.keys()) expect(platform.store.peek(key)?.includes('secretPlace')).toBe(false)
  })

  test('of racing creators is one; the settings of a later one are not taken', async () => {
    const platform = memoryPlatform()
    const created = await Promise.all(
      [1, 2, 3].map((at) => createDeployment(platform, { name: 'campus', settings: { at } })),
    )
    expect(new Set(created.map(({ id }) => id)).size).toBe(1)
    expect(new Set(created.map((one) => one.sliceId('shared', 1))).size).toBe(1)
    const taken = await readDeploymentSettings(platform, { name: 'campus' })
    await createDeployment(platform, { name: 'campus', settings: { at: 99 } })
    expect(await readDeploymentSettings(platform, { name: 'campus' })).toEqual(taken)
  })

  test('whose creation was cut off anywhere is completed by the next attempt', async () => {
    for (const left of [['deployment/1'], ['deployment/1', 'keys/deployment/1']]) {
      const platform = memoryPlatform()
      const whole = await createDeployment(platform, { name: 'campus', settings })
      for (const key of platform.store.keys()) if (!left.includes(key)) await platform.store.delete(key)
      if (left.length === 1)
        await expect(openDeployment(platform, { name: 'campus' })).rejects.toMatchObject({ code: 'deployment-missing' })
      const again = await createDeployment(platform, { name: 'campus', settings })
      expect(again.id).toBe(whole.id)
      expect(await readDeploymentSettings(platform, { name: 'campus' })).toEqual(settings)
    }
  })

  test('that is missing, of another name, or without its keys is refused, and nothing is written over it', async () => {
    const platform = memoryPlatform()
    await expect(openDeployment(platform, { name: 'campus' })).rejects.toMatchObject({ code: 'deployment-missing' })
    await createDeployment(platform, { name: 'campus', settings })
    await expect(openDeployment(platform, { name: 'other' })).rejects.toMatchObject({ code: 'deployment-mismatch' })
    await expect(createDeployment(platform, { name: 'other', settings })).rejects.toMatchObject({
      code: 'deployment-mismatch',
    })
    await platform.store.delete('keys/deployment/1')
    await expect(openDeployment(platform, { name: 'campus' })).rejects.toMatchObject({ code: 'deployment-mismatch' })
    await expect(createDeployment(platform, { name: 'campus', settings })).rejects.toMatchObject({
      code: 'deployment-mismatch',
    })
    expect(platform.store.keys()).toEqual(['deployment/1', 'deployment/2'])
  })

  test('with another key service is refused as the key service says', async () => {
    const platform = memoryPlatform()
    await createDeployment(platform, { name: 'campus', settings })
    const stranger = memoryPlatform({ store: platform.store, seed: 'another key' })
    await expect(openDeployment(stranger, { name: 'campus' })).rejects.toMatchObject({ code: 'keyring-foreign' })
  })

  test('of a newer version, or with a mandatory feature that is not known, is refused; an optional one is not', async () => {
    const changes: [(document: Record<string, unknown>) => void, string | undefined][] = [
      [(document) => (document['version'] = 99), 'format-newer'],
      [(document) => (document['version'] = 0), 'format-older'],
      [(document) => (document['mandatory'] = ['time-travel']), 'format-newer'],
      [(document) => (document['optional'] = ['time-travel']), undefined],
    ]
    for (const [change, code] of changes) {
      const platform = memoryPlatform()
      await createDeployment(platform, { name: 'campus', settings })
      edit(platform, 'deployment/2', change)
      const opening = openDeployment(platform, { name: 'campus' })
      if (code === undefined) await opening
      else await expect(opening).rejects.toMatchObject({ code })
    }
  })

  test('whose object was changed or exchanged does not open', async () => {
    const changes: ((document: Record<string, unknown>) => void)[] = [
      (document) => (document['name'] = 'stolen'),
      (document) => delete document['id'],
      (document) => (document['sealed'] = `AAAA${String(document['sealed']).slice(4)}`),
    ]
    for (const change of changes) {
      const platform = memoryPlatform()
      await createDeployment(platform, { name: 'campus', settings })
      edit(platform, 'deployment/2', change)
      const name = JSON.parse((platform.store.peek('deployment/2') as Buffer).toString()).name as string
      await expect(openDeployment(platform, { name })).rejects.toMatchObject({ code: 'seal-broken' })
    }
    const platform = memoryPlatform()
    await createDeployment(platform, { name: 'campus', settings })
    platform.store.replace('deployment/2', Buffer.from('not JSON'))
    await expect(openDeployment(platform, { name: 'campus' })).rejects.toMatchObject({ code: 'seal-broken' })
  })
})
