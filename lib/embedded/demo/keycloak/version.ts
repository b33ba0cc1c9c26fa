/** In what the versions differ, as far as it shows in what the stand-in answers (seen on the real servers). */

export type DemoVersion = '15.0.2' | '24.0.5' | '26.3.4' | '26.7.4'

export interface Quirks {
  /** Children stand in their parents; there is no call for them. */
  readonly nestedGroups: boolean
  /** `GET /clients` shows secrets. */
  readonly secretInClients: boolean
  /** Seeing which credentials there are needs the right to change people. */
  readonly credentialsNeedManage: boolean
  readonly userProfile: boolean
  /** Two kilobytes of it in each listed person. */
  readonly userProfileMetadata: boolean
  /** What a wrong login is answered with. */
  readonly wrongLogin: 400 | 401
  /** Organizations, and whether a right to read them exists. */
  readonly organizations: 'none' | 'closed' | 'open'
  /** Members without a meaning are written as false and null. */
  readonly emptyMembers: boolean
  /** An import gives the id that a record names. */
  readonly importKeepsId: boolean
  /** What an import answers that meets somebody who is there. */
  readonly importConflict: 409 | 500
  /** An import whose caller does not say that it takes JSON answers 500, though it is done. */
  readonly importNeedsAccept: boolean
  /** A role that comes by a group is not granted beside it, without a word. */
  readonly inheritedRoleNotGranted: boolean
  /** Attributes without names and address in the same PUT wipe these. */
  readonly wipesNames: boolean
  /** Steps of flows tell their place, and take one. */
  readonly stepPriorities: boolean
  /** Secrets in the configuration of a step are hidden, and configurations have names of their own. */
  readonly flowSecretsMasked: boolean
  /** Security headers are not kept among the attributes of the realm. */
  readonly headersApart: boolean
  readonly hashing: readonly string[]
  /** An attribute without a value is kept when it comes by an import, and shown to nobody. */
  readonly hidesEmpty: boolean
  /** Who is told the version. */
  readonly tellsVersion: 'everybody' | 'managers'
}

export function quirksOf(version: DemoVersion): Quirks {
  const major = Number.parseInt(version, 10)
  const isNewest = version === '26.7.4'
  return {
    nestedGroups: major < 23,
    secretInClients: major >= 24,
    credentialsNeedManage: major < 24,
    userProfile: major >= 24,
    userProfileMetadata: version === '26.3.4',
    wrongLogin: isNewest ? 400 : 401,
    organizations: major < 26 ? 'none' : isNewest ? 'open' : 'closed',
    emptyMembers: !isNewest,
    importKeepsId: major >= 24,
    importConflict: major === 24 ? 500 : 409,
    importNeedsAccept: major < 24,
    inheritedRoleNotGranted: major < 24,
    wipesNames: major >= 24,
    stepPriorities: major >= 26,
    flowSecretsMasked: isNewest,
    headersApart: major >= 26,
    hashing: [...(major < 24 ? [] : ['argon2']), 'pbkdf2', 'pbkdf2-sha256', 'pbkdf2-sha512'],
    hidesEmpty: major >= 24 && !isNewest,
    tellsVersion: isNewest ? 'managers' : 'everybody',
  }
}
