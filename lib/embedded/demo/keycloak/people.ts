/** The people of the demo: each of them with something that a backup could lose. The same seed and number give the same people. */
import { demoUserNames } from '../homes.ts'
import { demoPassword, fixedSalt, hashPassword } from './password.ts'
import { fixedBytes, fixedId } from './fixed-id.ts'
import type { DemoCredential, DemoRealm, DemoUser } from './realm.ts'

const BEGIN_MS = Date.UTC(2024, 0, 1)
const HOUR_MS = 3_600_000
const FAMILY_NAMES = [
  'Okafor',
  'Müller',
  'Sánchez',
  'Nakamura',
  'Haddad',
  'Lindqvist',
  'Novák',
  'Rossi',
  'Ibrahim',
  'O’Connor',
]

export function makePeople(realm: DemoRealm, count: number): readonly DemoUser[] {
  return demoUserNames(count).map((username, index) => makePerson(realm, username, index))
}

export function makePerson(realm: DemoRealm, username: string, index: number): DemoUser {
  const { seed } = realm
  const createdTimestamp = BEGIN_MS + index * HOUR_MS
  const firstName = username.replace(/[^a-z].*$/, '')
  const organizations = [...realm.organizations.keys()]
  const every = (number: number, remainder = 0): boolean => index % number === remainder
  return {
    id: fixedId(seed, 'user', username),
    username,
    // One without an address: not everybody has one.
    ...(every(50, 30) ? {} : { email: `${username}@example.org` }),
    firstName: firstName.charAt(0).toUpperCase() + firstName.slice(1),
    lastName: FAMILY_NAMES[index % FAMILY_NAMES.length] ?? '',
    emailVerified: every(3),
    enabled: !every(40, 25),
    createdTimestamp,
    notBefore: 0,
    attributes: {
      ...(every(6) ? { jupyterlab_profiles: ['Large Instance'] } : {}),
      ...(every(11) ? { locale: ['de'] } : {}),
    },
    requiredActions: every(33, 20) ? ['UPDATE_PROFILE', 'CONFIGURE_TOTP'] : [],
    groups: [
      ...(every(17, 16) ? [] : realm.defaultGroups),
      ...(every(4) ? [realm.group(['developer']).id] : []),
      ...(every(100) ? [realm.group(['admin']).id] : []),
      ...(every(9) ? [realm.group(['projects', 'p3', 'deep']).id] : []),
      ...(every(13) ? [realm.group(['a/b']).id] : []),
    ],
    realmRoles: ['default-roles-nebari', ...(every(8) ? ['lab-member'] : [])],
    clientRoles: every(7) ? { jupyterhub: ['my-perm'] } : {},
    federatedIdentities: every(5)
      ? [{ identityProvider: 'github', userId: String(1000 + index), userName: `${username}-gh` }]
      : [],
    consents: every(12) ? { survey: ['profile', 'email'] } : {},
    organizations: every(10) && organizations[0] !== undefined ? [organizations[0]] : [],
    // Some log in through GitHub only: no password is not a lost password.
    credentials: every(15, 10)
      ? []
      : [
          makePassword(seed, username, createdTimestamp, 0),
          ...(every(9) ? [makeCode(seed, username, createdTimestamp)] : []),
        ],
  }
}

/** The hash of `demoPassword`. `turn` is counted up when the person changes it. */
export function makePassword(seed: string, username: string, createdDate: number, turn: number): DemoCredential {
  return {
    id: fixedId(seed, 'password', username),
    ...{ type: 'password', createdDate },
    ...hashPassword(demoPassword(username, turn), fixedSalt(seed, username)),
  }
}

function makeCode(seed: string, username: string, createdDate: number): DemoCredential {
  return {
    id: fixedId(seed, 'otp', username),
    type: 'otp',
    userLabel: 'phone',
    createdDate,
    secretData: JSON.stringify({ value: fixedBytes(seed, 'otp', username).toString('hex').slice(0, 20) }),
    credentialData: JSON.stringify({ subType: 'totp', digits: 6, counter: 0, period: 30, algorithm: 'HmacSHA1' }),
  }
}
