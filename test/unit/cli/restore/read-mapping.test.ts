import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { readMapping } from '../../../../lib/cli/restore/read-mapping.ts'
import { temporaryFolder } from '../../../kit/temporary-folder.ts'

let file: string
beforeAll(async () => {
  file = join(await temporaryFolder(), 'map.yaml')
})
const read = (text: string): ReturnType<typeof readMapping> => {
  writeFileSync(file, text)
  return readMapping(file)
}

describe('the file of --map', () => {
  test('maps users, groups and numeric owners', () => {
    expect(
      read('users: { ann: anna }\ngroups: { /users/lab: /teams/lab }\nuids: { 1000: 2000 }\ngids: { 100: 0 }\n'),
    ).toEqual({
      users: { ann: 'anna' },
      groups: { '/users/lab': '/teams/lab' },
      uids: { '1000': 2000 },
      gids: { '100': 0 },
    })
    expect(read('')).toEqual({})
  })

  test.each([
    ['users: [ann]', 'users: must be a map such as { ann: anna }'],
    ['users: { ann: 3 }', 'users.ann: must be a username'],
    ['uids: { 1000: two }', 'uids.1000: must be a number'],
    ['people: { ann: anna }', 'people: there is no such map'],
    ['- ann', 'the file: must be a map with users, groups, uids or gids'],
    ['users: {\n', ':2: this is not YAML'],
  ])('%j is refused with what is wrong, and where', (text, says) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(says) }))
  })

  test('that is not there is refused by name', () => {
    expect(() => readMapping('/nowhere/map.yaml')).toThrow('/nowhere/map.yaml (--map) cannot be read')
  })
})
