import { expect, test } from '@jest/globals'
import { strangeOf } from '../../../../../lib/components/keycloak/write/person-between.ts'

const device = (label: string, position: number): Record<string, string | number | null> => ({
  ...{ type: 'otp', position, label, created: 5, data: '{}' },
})
const person = (
  credentials: Record<string, Record<string, string | number | null>>,
): Parameters<typeof strangeOf>[0] => ({
  ...{ username: 'ann', enabled: true, email: null, emailVerified: false, firstName: null, lastName: null },
  ...{ attributes: {}, requiredActions: [], federation: null, groups: [], realmRoles: [], clientRoles: {} },
  ...{ federatedIdentities: {}, consents: {}, credentials },
})

test('a device that is made again and not yet in its place is on the way, a device of somebody’s is not', () => {
  const before = person({ otp: device('second', 0) })
  const after = person({ otp: device('first', 0), 'otp-2': device('second', 1) })
  expect(strangeOf(person({ otp: device('second', 0), 'otp-2': device('first', 1) }), before, after)).toEqual([])
  expect(strangeOf(person({ otp: device('first', 0) }), before, after)).toEqual(['credentials'])
  expect(strangeOf(person({ otp: device('second', 0), 'otp-2': device('new', 1) }), before, after)).toEqual([
    'credentials',
  ])
})
