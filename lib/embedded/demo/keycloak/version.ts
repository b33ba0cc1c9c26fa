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
  /** Who is told the version. */
  readonly tellsVersion: 'everybody' | 'administrators'
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
    tellsVersion: isNewest ? 'administrators' : 'everybody',
  }
}
